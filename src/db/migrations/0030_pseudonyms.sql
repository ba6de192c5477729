-- De-identification: what pseudonyms are made from, and what was done to each treated copy. Conventions as in 0001.

-- One secret per End User. Pseudonyms for a recipient are made under a key derived from it and the recipient's account.
CREATE TABLE pseudonym_secrets (
    owner          TEXT   NOT NULL,  -- the End User; immutable
    secret_wrapped TEXT   NOT NULL,  -- wrapped by the user's key; mutable (re-wrapped)
    created_at_us  BIGINT NOT NULL,  -- immutable
    CONSTRAINT pseudonym_secrets_pk PRIMARY KEY (owner),
    CONSTRAINT pseudonym_secrets_of_user FOREIGN KEY (owner) REFERENCES users (address)
);

-- One row per treated copy; gone when it, or the item it was made from, is erased.
CREATE TABLE treatments (
    aih_data_id    TEXT   NOT NULL,  -- the treated copy; immutable
    parent_id      TEXT   NOT NULL,  -- the item it was made from; immutable
    operation_id   TEXT   NOT NULL,  -- the operation it came of; immutable
    recipient      TEXT   NOT NULL,  -- CAIP-10 account whose pseudonyms it holds; immutable
    report         TEXT   NOT NULL,  -- JSON: the report and its signature; never values of the data; immutable
    mapping_sealed TEXT   NOT NULL,  -- original and pseudonym, under the key of the item it was made from; immutable
    created_at_us  BIGINT NOT NULL,  -- immutable
    CONSTRAINT treatments_pk PRIMARY KEY (aih_data_id),
    CONSTRAINT treatments_of_item FOREIGN KEY (aih_data_id) REFERENCES data_items (aih_data_id)
);
-- Serves: erasure of the item treated copies were made from.
CREATE INDEX treatments_by_parent ON treatments (parent_id, aih_data_id);
-- Serves: the report of an operation.
CREATE UNIQUE INDEX treatments_by_operation ON treatments (operation_id);
