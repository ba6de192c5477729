-- What was recorded on a chain that is gone, and that a chain was restored. Conventions as in 0001. Append-only.

-- Every event of the copy, as it was when no block of it was on the node's chain any more: a devnet that was reset.
CREATE TABLE earlier_events (
    ended_at_us  BIGINT NOT NULL,  -- when the copy lost it; one value for one chain
    block_number BIGINT NOT NULL,  -- this and what follows: as in chain_events
    log_index    BIGINT NOT NULL,
    block_hash   TEXT   NOT NULL,
    tx_hash      TEXT   NOT NULL,
    event        TEXT   NOT NULL,
    aih_data     TEXT,
    licence      TEXT,
    user_address TEXT,
    confirm_id   TEXT,
    data         TEXT   NOT NULL,
    timestamp_s  BIGINT NOT NULL,
    CONSTRAINT earlier_events_pk PRIMARY KEY (ended_at_us, block_number, log_index)
);
-- Serves: the answer to one Licence Confirm, which the chain does not hold any more.
CREATE INDEX earlier_events_by_confirm ON earlier_events (confirm_id, ended_at_us, block_number, log_index)
    WHERE confirm_id IS NOT NULL;
-- Serves: what was recorded about an item.
CREATE INDEX earlier_events_by_item ON earlier_events (aih_data, ended_at_us, block_number, log_index);
-- Serves: which licence an item had then, without reading its decisions.
CREATE INDEX earlier_events_of_licences ON earlier_events (aih_data, ended_at_us, block_number, log_index)
    WHERE event IN ('LicenceIssued', 'LicenceDerived', 'LicenceChanged', 'LicenceRevoked');
-- Serves: which class the registry gave a user then.
CREATE INDEX earlier_events_of_classes ON earlier_events (user_address, ended_at_us, block_number, log_index)
    WHERE event = 'UserClassSet';

CREATE TABLE restorations (
    began_at_us BIGINT NOT NULL,  -- immutable
    ended_at_us BIGINT,           -- NULL while it is under way or broken off; set once
    CONSTRAINT restorations_pk PRIMARY KEY (began_at_us)
);
-- Serves: the one that is under way.
CREATE INDEX restorations_by_end ON restorations (ended_at_us, began_at_us);
