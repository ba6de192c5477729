-- Federated learning: rounds, what Front Ends answered, what was refused. Conventions as in 0001.

CREATE TABLE federated_rounds (
    round_id      TEXT   NOT NULL,  -- UUID, the FederatedLearnID of all its messages; immutable
    lineage       TEXT   NOT NULL,  -- lineage of its models; immutable
    round_number  BIGINT NOT NULL,  -- place among the rounds of the lineage, from 1; immutable
    base_model    TEXT   NOT NULL,  -- model it starts from; immutable
    front_end     TEXT,             -- the one Front End asked; NULL for all; immutable
    least         BIGINT NOT NULL,  -- fewest answers; immutable
    most          BIGINT NOT NULL,  -- so many answers end it; immutable
    deadline_s    BIGINT NOT NULL,  -- seconds since 1970; immutable
    aggregation   TEXT   NOT NULL,  -- rule; immutable
    usage_word    TEXT   NOT NULL,  -- usage the licences are asked for; immutable
    parameters    TEXT   NOT NULL,  -- JSON of the request; immutable
    state         TEXT   NOT NULL,  -- see federated_rounds.rs; mutable
    rho           DOUBLE PRECISION NOT NULL,  -- zCDP spent by it; set when aggregation begins
    result_model  TEXT,             -- model it made; set once
    score_before  DOUBLE PRECISION, -- accuracy of the base on the held-out data; set once
    score_after   DOUBLE PRECISION, -- accuracy of the result; set once
    reason        TEXT,             -- why there is no result, for people; set once
    opened_by     TEXT   NOT NULL,  -- account; immutable
    created_at_us BIGINT NOT NULL,  -- immutable
    updated_at_us BIGINT NOT NULL,  -- last change of state
    CONSTRAINT federated_rounds_pk PRIMARY KEY (round_id),
    CONSTRAINT federated_rounds_number_unique UNIQUE (lineage, round_number),
    CONSTRAINT federated_rounds_of_model FOREIGN KEY (base_model) REFERENCES models (model_id),
    CONSTRAINT federated_rounds_state_known
        CHECK (state IN ('open', 'collecting', 'aggregating', 'promoted', 'rejected', 'expired')),
    CONSTRAINT federated_rounds_result_when_promoted CHECK ((state = 'promoted') = (result_model IS NOT NULL)),
    CONSTRAINT federated_rounds_reason_when_not CHECK (state NOT IN ('rejected', 'expired') OR reason IS NOT NULL)
);
-- A lineage has one round at a time: the next starts from the result of the last.
CREATE UNIQUE INDEX federated_rounds_one_open ON federated_rounds (lineage) WHERE state IN ('open', 'collecting', 'aggregating');
-- Serves: open requests, rounds that are due, and what a restart resumes. Small: ended rounds leave it.
CREATE INDEX federated_rounds_unfinished ON federated_rounds (deadline_s, round_id)
    WHERE state IN ('open', 'collecting', 'aggregating');

CREATE TABLE federated_answers (
    round_id       TEXT   NOT NULL,  -- immutable
    front_end      TEXT   NOT NULL,  -- account of the End User; immutable
    digest         TEXT   NOT NULL,  -- SHA-256 of the model's bytes; the file is removed when the round ends; immutable
    layout         TEXT   NOT NULL,  -- JSON: places of its tensors; immutable
    sample_count   BIGINT NOT NULL,  -- immutable
    items          TEXT   NOT NULL,  -- JSON list of AIH Data IDs; immutable
    metrics        TEXT   NOT NULL,  -- JSON, as the Front End says; immutable
    signature      TEXT   NOT NULL,  -- EIP-191; immutable
    state          TEXT   NOT NULL,  -- received → used | left_out; mutable
    reason         TEXT,             -- why it was left out; set once
    received_at_us BIGINT NOT NULL,  -- immutable
    CONSTRAINT federated_answers_pk PRIMARY KEY (round_id, front_end),
    CONSTRAINT federated_answers_model_unique UNIQUE (round_id, digest),
    CONSTRAINT federated_answers_of_round FOREIGN KEY (round_id) REFERENCES federated_rounds (round_id),
    CONSTRAINT federated_answers_state_known CHECK (state IN ('received', 'used', 'left_out'))
);
-- Serves: whether a file is still somebody's.
CREATE INDEX federated_answers_by_digest ON federated_answers (digest);

-- Append-only: answers that were refused when they came.
CREATE TABLE federated_refusals (
    refusal_id    TEXT   NOT NULL,  -- UUID
    round_id      TEXT   NOT NULL,
    front_end     TEXT   NOT NULL,  -- account of the End User
    reason        TEXT   NOT NULL,  -- for people; never a value of the model
    refused_at_us BIGINT NOT NULL,
    CONSTRAINT federated_refusals_pk PRIMARY KEY (refusal_id),
    CONSTRAINT federated_refusals_of_round FOREIGN KEY (round_id) REFERENCES federated_rounds (round_id)
);
-- Serves: the refusals of a round, oldest first.
CREATE INDEX federated_refusals_by_round ON federated_refusals (round_id, refused_at_us, refusal_id);
