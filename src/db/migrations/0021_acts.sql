-- `operations` also holds acts: storing, deriving, changing, withdrawing, erasing (see operation_acts.rs). They have no
-- Licence Confirm; what they rest on is the event of the licence. An erasure after a chain was reset has not even that,
-- and is noted all the same, so the rule that a state after a yes needs a yes lets it through. SQLite cannot change a
-- rule, so the table is made anew; nothing refers to it. Conventions as in 0001.

CREATE TABLE operations_before AS SELECT * FROM operations;
DROP TABLE operations;

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
    confirm_id    TEXT,              -- Licence Confirm ID, 16 bytes; NULL when none is asked (an act, see
                                     -- operation_acts.rs); immutable
    state         TEXT   NOT NULL,   -- see operations.rs; mutable
    tx_hash       TEXT,              -- transaction the answer stands in; comes with the answer and moves only with a
                                     -- reorganisation. One on its way stands in `transactions`, before anyone is
                                     -- answered by it
    verdict       BIGINT,            -- failing terms as recorded on chain, 0 = permitted; of an act 0 when the chain
                                     -- shows what it rests on; set once
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
        (state NOT IN ('confirmed', 'running', 'done', 'withheld') OR (verdict IS NOT NULL AND verdict = 0)
            OR (kind = 'Erase' AND confirm_id IS NULL AND verdict IS NULL)),
    CONSTRAINT operations_no_when_denied CHECK (state <> 'denied' OR (verdict IS NOT NULL AND verdict <> 0)),
    CONSTRAINT operations_progress_is_a_share CHECK (progress >= 0 AND progress <= 1)
);

INSERT INTO operations (
    operation_id, kind, message_id, requester, user_class, aih_data_id, owner, operation, usage_word,
    intended_at_s, parameters, confirm_id, state, tx_hash, verdict, licence, block_number, block_hash, log_index,
    confirmed_at_s, progress, result_id, error_kind, error_text, created_at_us, updated_at_us, started_at_us,
    finished_at_us)
SELECT
    operation_id, kind, message_id, requester, user_class, aih_data_id, owner, operation, usage_word,
    intended_at_s, parameters, confirm_id, state, tx_hash, verdict, licence, block_number, block_hash, log_index,
    confirmed_at_s, progress, result_id, error_kind, error_text, created_at_us, updated_at_us, started_at_us,
    finished_at_us
FROM operations_before;
DROP TABLE operations_before;

-- Serves: a requester's operations, newest first.
CREATE INDEX operations_by_requester ON operations (requester, created_at_us, operation_id);
-- Serves: the operations on an item, newest first.
CREATE INDEX operations_by_item ON operations (aih_data_id, created_at_us, operation_id);
-- Serves: executions on an owner's items in a period (audit).
CREATE INDEX operations_executed ON operations (owner, started_at_us, operation_id) WHERE started_at_us IS NOT NULL;
-- Serves: what a restart must finish or undo. Small: ended operations leave it.
CREATE INDEX operations_unfinished ON operations (updated_at_us, operation_id)
    WHERE state IN ('requested', 'confirmed', 'running');
-- Serves: answered operations on an owner's items in a period (audit: answers the chain must hold).
CREATE INDEX operations_answered ON operations (owner, confirmed_at_s, operation_id) WHERE confirmed_at_s IS NOT NULL;
