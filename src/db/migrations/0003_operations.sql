-- What was asked of the Back End, what the chain answered, what was done. Conventions as in 0001.

CREATE TABLE operations (
    operation_id  TEXT   NOT NULL,   -- UUID; immutable
    kind          TEXT   NOT NULL,   -- which SubAIM serves it; immutable
    message_id    TEXT,              -- ID inside the message; NULL when there was no message; immutable
    requester     TEXT   NOT NULL,   -- CAIP-10 account; the registry's for the Back End itself; immutable
    user_class    TEXT,              -- requester's class when asked; NULL for the Back End itself; immutable
    aih_data_id   TEXT   NOT NULL,   -- the item; immutable
    owner         TEXT,              -- End User of the item; NULL when the item is unknown; immutable
    operation     TEXT   NOT NULL,   -- operation word; immutable
    usage_word    TEXT   NOT NULL,   -- usage word; immutable
    intended_at_s BIGINT NOT NULL,   -- intended time of execution; immutable
    parameters    TEXT   NOT NULL,   -- JSON; immutable
    confirm_id    TEXT,              -- Licence Confirm ID, 16 bytes; NULL when none is asked; immutable
    state         TEXT   NOT NULL,   -- see operations.rs; mutable
    tx_hash       TEXT,              -- transaction that carries the confirm; stored before waiting; follows re-sends
    verdict       BIGINT,            -- failing terms as recorded on chain, 0 = permitted; set once
    licence       TEXT,              -- address of the licence that was asked; set once
    block_number  BIGINT,            -- where the answer stands; moves only with a reorganisation
    block_hash    TEXT,              -- as above
    log_index     BIGINT,            -- as above
    confirmed_at_s BIGINT,           -- chain time of the answer; as above
    progress      DOUBLE PRECISION NOT NULL,  -- 0 to 1
    result_id     TEXT,              -- item that was made; set once
    error_kind    TEXT,              -- stable word; set once
    error_text    TEXT,              -- for people, never health data; set once
    created_at_us BIGINT NOT NULL,   -- immutable
    updated_at_us BIGINT NOT NULL,   -- last change of any kind
    started_at_us BIGINT,            -- when data was first touched; set once
    finished_at_us BIGINT,           -- when an end state was reached; set once
    CONSTRAINT operations_pk PRIMARY KEY (operation_id),
    CONSTRAINT operations_message_unique UNIQUE (requester, message_id),
    CONSTRAINT operations_confirm_unique UNIQUE (confirm_id),
    CONSTRAINT operations_state_known CHECK
        (state IN ('requested', 'confirmed', 'running', 'done', 'denied', 'failed', 'withheld', 'undone')),
    CONSTRAINT operations_yes_before_data CHECK
        (state NOT IN ('confirmed', 'running', 'done', 'withheld') OR (verdict IS NOT NULL AND verdict = 0)),
    CONSTRAINT operations_no_when_denied CHECK (state <> 'denied' OR (verdict IS NOT NULL AND verdict <> 0)),
    CONSTRAINT operations_progress_is_a_share CHECK (progress >= 0 AND progress <= 1)
);
-- Serves: a requester's operations, newest first.
CREATE INDEX operations_by_requester ON operations (requester, created_at_us, operation_id);
-- Serves: the operations on an item, newest first.
CREATE INDEX operations_by_item ON operations (aih_data_id, created_at_us, operation_id);
-- Serves: executions on an owner's items in a period (audit).
CREATE INDEX operations_executed ON operations (owner, started_at_us, operation_id) WHERE started_at_us IS NOT NULL;
-- Serves: what a restart must finish or undo. Small: ended operations leave it.
CREATE INDEX operations_unfinished ON operations (updated_at_us, operation_id)
    WHERE state IN ('requested', 'confirmed', 'running');
-- Serves: which operations wait for a transaction.
CREATE INDEX operations_by_transaction ON operations (tx_hash, operation_id) WHERE tx_hash IS NOT NULL;

CREATE TABLE transactions (
    tx_hash          TEXT   NOT NULL,  -- immutable
    operator_address TEXT   NOT NULL,  -- sender; immutable
    nonce            BIGINT NOT NULL,  -- immutable
    raw              TEXT   NOT NULL,  -- signed transaction, to send again after a restart; immutable
    purpose          TEXT   NOT NULL,  -- what it is for, in a word; immutable
    state            TEXT   NOT NULL,  -- sent → mined | replaced | dropped; mined → sent in a reorganisation
    first_sent_at_us BIGINT NOT NULL,  -- immutable
    last_sent_at_us  BIGINT NOT NULL,  -- mutable
    block_number     BIGINT,           -- where it was mined
    CONSTRAINT transactions_pk PRIMARY KEY (tx_hash),
    CONSTRAINT transactions_state_known CHECK (state IN ('sent', 'mined', 'replaced', 'dropped')),
    CONSTRAINT transactions_block_once_mined CHECK ((state = 'mined') = (block_number IS NOT NULL))
);
-- Serves: recovery at restart, and the rivals of a mined nonce. Small: settled transactions leave it.
CREATE INDEX transactions_sent ON transactions (operator_address, nonce, tx_hash) WHERE state = 'sent';
-- Serves: transactions to look at again when blocks vanish.
CREATE INDEX transactions_by_block ON transactions (block_number) WHERE block_number IS NOT NULL;
-- Serves: purge of settled transactions.
CREATE INDEX transactions_by_age ON transactions (last_sent_at_us);
