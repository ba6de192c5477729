-- The notary's register, copied by the indexer: blocks, events and how far the copy reaches, always changed together.
-- Conventions as in 0001. Append-only, except that a reorganisation removes everything above a block.

CREATE TABLE chain_blocks (
    number      BIGINT NOT NULL,  -- immutable
    hash        TEXT   NOT NULL,  -- immutable
    parent_hash TEXT   NOT NULL,  -- immutable
    timestamp_s BIGINT NOT NULL,  -- chain time, never falls with rising number; immutable
    CONSTRAINT chain_blocks_pk PRIMARY KEY (number)
);
-- Serves: from a period in seconds to a range of block numbers.
CREATE INDEX chain_blocks_by_time ON chain_blocks (timestamp_s, number);

CREATE TABLE chain_events (
    block_number BIGINT NOT NULL,  -- immutable, like every column here
    log_index    BIGINT NOT NULL,  -- place in the block
    block_hash   TEXT   NOT NULL,
    tx_hash      TEXT   NOT NULL,
    event        TEXT   NOT NULL,  -- name as in the contract
    aih_data     TEXT,             -- hash of the item's ID; NULL for events about users
    licence      TEXT,             -- address
    user_address TEXT,             -- address: End User, requester or the user whose class was set
    confirm_id   TEXT,             -- Licence Confirm ID
    data         TEXT   NOT NULL,  -- JSON: every argument of the event
    timestamp_s  BIGINT NOT NULL,  -- chain time of the block
    CONSTRAINT chain_events_pk PRIMARY KEY (block_number, log_index),
    CONSTRAINT chain_events_in_block FOREIGN KEY (block_number) REFERENCES chain_blocks (number)
);
-- Serves: the events of an item or of many items, in order, within block bounds.
CREATE INDEX chain_events_by_item ON chain_events (aih_data, block_number, log_index);
-- Serves: which licence an item has, without reading its decisions.
CREATE INDEX chain_events_of_licences ON chain_events (aih_data, block_number, log_index)
    WHERE event IN ('LicenceIssued', 'LicenceDerived', 'LicenceChanged', 'LicenceRevoked');
-- Serves: the recorded answer to one Licence Confirm, the first should there be several.
CREATE INDEX chain_events_by_confirm ON chain_events (confirm_id, block_number, log_index)
    WHERE confirm_id IS NOT NULL;

CREATE TABLE chain_cursor (
    chain_id     BIGINT NOT NULL,  -- EIP-155; immutable
    registry     TEXT   NOT NULL,  -- address of the LicenceRegistry; immutable
    block_number BIGINT NOT NULL,  -- the copy is complete up to and including this block
    block_hash   TEXT   NOT NULL,
    event_count  BIGINT NOT NULL,  -- rows of chain_events, so that nobody counts them
    CONSTRAINT chain_cursor_pk PRIMARY KEY (chain_id, registry)
);
