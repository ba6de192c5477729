-- Promises of the HTTP door: first answers kept, notices delivered. Conventions as in 0001.

CREATE TABLE idempotency (
    user_address     TEXT   NOT NULL,  -- who sent the request; immutable
    route            TEXT   NOT NULL,  -- method and path template; immutable
    request_key      TEXT   NOT NULL,  -- `Idempotency-Key`; immutable
    body_sha256      TEXT   NOT NULL,  -- of the request body; immutable
    state            TEXT   NOT NULL,  -- in_flight → done
    status           BIGINT,           -- HTTP status of the first answer
    response_headers TEXT,             -- JSON list of name and value
    response_body    TEXT,             -- base64
    created_at_us    BIGINT NOT NULL,  -- immutable
    CONSTRAINT idempotency_pk PRIMARY KEY (user_address, route, request_key),
    CONSTRAINT idempotency_state_known CHECK (state IN ('in_flight', 'done')),
    CONSTRAINT idempotency_answer_once_done CHECK ((state = 'done') = (status IS NOT NULL))
);
-- Serves: purge of old answers.
CREATE INDEX idempotency_by_age ON idempotency (created_at_us);
-- Serves: release at restart.
CREATE INDEX idempotency_in_flight ON idempotency (created_at_us) WHERE state = 'in_flight';

-- One row per numbered list. Numbers are drawn inside the transaction that uses them, so that they become visible in
-- rising order: a reader who has seen 7 will never meet a 6 later. Sequences of the database do not promise that.
CREATE TABLE counters (
    name  TEXT   NOT NULL,  -- the list; immutable
    value BIGINT NOT NULL,  -- last number given
    CONSTRAINT counters_pk PRIMARY KEY (name)
);
INSERT INTO counters (name, value) VALUES ('notices', 0);

-- Append-only outbox of the event stream. Never health data: identifiers and words only.
CREATE TABLE notices (
    seq           BIGINT NOT NULL,  -- rising; `Last-Event-ID` of the stream
    user_address  TEXT   NOT NULL,  -- whom it is for
    kind          TEXT   NOT NULL,  -- event type of the stream
    data          TEXT   NOT NULL,  -- JSON
    created_at_us BIGINT NOT NULL,
    CONSTRAINT notices_pk PRIMARY KEY (seq)
);
-- Serves: what a user has not seen yet.
CREATE INDEX notices_by_user ON notices (user_address, seq);
-- Serves: purge of old notices.
CREATE INDEX notices_by_age ON notices (created_at_us);
