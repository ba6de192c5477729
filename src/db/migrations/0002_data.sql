-- AIH Data and the Model Licences over it. Conventions as in 0001.

CREATE TABLE data_items (
    aih_data_id      TEXT   NOT NULL,  -- urn:uuid:…; immutable
    hash             TEXT   NOT NULL,  -- keccak256 of aih_data_id, its name on chain; immutable
    owner            TEXT   NOT NULL,  -- the End User; immutable
    data_class       TEXT   NOT NULL,  -- word of the standard; immutable
    status           TEXT   NOT NULL,  -- de-identification status; immutable (a further one is another item)
    qualifier        TEXT   NOT NULL,  -- JSON of the message; immutable
    data_time        TEXT   NOT NULL,  -- JSON of the message; becomes `null` when erased
    descr_metadata   TEXT,             -- free text of the message; NULL when erased
    licence          TEXT,             -- address of its licence; NULL until licensed; follows changes
    root_id          TEXT   NOT NULL,  -- item the End User licensed; itself for a root; immutable
    parent_id        TEXT,             -- item it was derived from; NULL for a root; immutable
    object_name      TEXT,             -- where the sealed payload lies; NULL when erased
    plain_length     BIGINT,           -- bytes before sealing; NULL until stored
    stored_length    BIGINT,           -- bytes in the object store; NULL until stored
    sha256           TEXT,             -- of the plain payload; NULL until stored and when erased
    item_key_wrapped TEXT,             -- item key, wrapped by the user's key; NULL = destroyed, the item is erased
    state            TEXT   NOT NULL,  -- announced → licensed → stored, or → erased; mutable
    created_at_us    BIGINT NOT NULL,  -- immutable
    updated_at_us    BIGINT NOT NULL,  -- last change of state or licence
    CONSTRAINT data_items_pk PRIMARY KEY (aih_data_id),
    CONSTRAINT data_items_hash_unique UNIQUE (hash),
    CONSTRAINT data_items_object_unique UNIQUE (object_name),
    CONSTRAINT data_items_of_owner FOREIGN KEY (owner) REFERENCES users (address),
    CONSTRAINT data_items_state_known CHECK (state IN ('announced', 'licensed', 'stored', 'erased')),
    CONSTRAINT data_items_key_until_erased CHECK ((state = 'erased') = (item_key_wrapped IS NULL)),
    CONSTRAINT data_items_measured_once_stored
        CHECK (state <> 'stored' OR (plain_length IS NOT NULL AND stored_length IS NOT NULL)),
    CONSTRAINT data_items_licensed_before_stored CHECK (state NOT IN ('licensed', 'stored') OR licence IS NOT NULL)
);
-- Serves: a user's own items, newest first; also finds the items of an owner for the audit.
CREATE INDEX data_items_by_owner ON data_items (owner, created_at_us, aih_data_id);
-- Serves: everything derived from a root, oldest first.
CREATE INDEX data_items_by_root ON data_items (root_id, created_at_us, aih_data_id);
-- Serves: what a restart must finish or undo. Small: finished items leave it.
CREATE INDEX data_items_unfinished ON data_items (updated_at_us, aih_data_id)
    WHERE state IN ('announced', 'licensed');

CREATE TABLE model_licences (
    licence       TEXT   NOT NULL,  -- address of the licence contract, known before issue; immutable
    aih_data_id   TEXT   NOT NULL,  -- immutable
    document      TEXT   NOT NULL,  -- the Model Licence, canonical JSON (RFC 8785), byte for byte; immutable
    signature     TEXT   NOT NULL,  -- the End User's EIP-712 signature; immutable
    sequence      BIGINT NOT NULL,  -- licence events of the item before it; immutable
    chain_id      BIGINT NOT NULL,  -- EIP-155; immutable
    registry      TEXT   NOT NULL,  -- address of the LicenceRegistry it was signed for; immutable
    state         TEXT   NOT NULL,  -- signed → issued → replaced | revoked; mutable
    created_at_us BIGINT NOT NULL,  -- immutable
    updated_at_us BIGINT NOT NULL,  -- last change of state
    CONSTRAINT model_licences_pk PRIMARY KEY (licence),
    CONSTRAINT model_licences_of_item FOREIGN KEY (aih_data_id) REFERENCES data_items (aih_data_id),
    CONSTRAINT model_licences_state_known CHECK (state IN ('signed', 'issued', 'replaced', 'revoked'))
);
-- Serves: the licences of an item, and restore in the order (item, sequence).
CREATE INDEX model_licences_in_order ON model_licences (aih_data_id, sequence, licence);
-- An item has at most one licence in force.
CREATE UNIQUE INDEX model_licences_one_in_force ON model_licences (aih_data_id) WHERE state = 'issued';
-- Serves: what a restart must issue or drop. Small: issued licences leave it.
CREATE INDEX model_licences_unfinished ON model_licences (updated_at_us, licence) WHERE state = 'signed';

-- Append-only: withdrawals, kept so that a reset chain can be told of them again.
CREATE TABLE revocations (
    licence       TEXT   NOT NULL,  -- address of the licence withdrawn (also of a derived one)
    scope         TEXT   NOT NULL,  -- `licence` the whole of it, `back_end` the Back End's own right
    aih_data_id   TEXT   NOT NULL,
    signature     TEXT,             -- the End User's EIP-712 signature; NULL when sent without one
    revoked_by    TEXT   NOT NULL,  -- address that withdrew it
    revoked_at_us BIGINT NOT NULL,
    CONSTRAINT revocations_pk PRIMARY KEY (licence, scope),
    CONSTRAINT revocations_scope_known CHECK (scope IN ('licence', 'back_end'))
);
-- Serves: restore, item by item.
CREATE INDEX revocations_in_order ON revocations (aih_data_id, licence, scope);
