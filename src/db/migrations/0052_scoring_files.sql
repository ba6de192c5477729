-- The Store also keeps scoring files of polygenic scores. SQLite cannot change a rule, so the table of models is made anew,
-- and with it the tables that refer to it; nothing else of them changes. Conventions as in 0001.

CREATE TABLE models_before AS SELECT * FROM models;
CREATE TABLE evaluation_sets_before AS SELECT * FROM evaluation_sets;
CREATE TABLE federated_rounds_before AS SELECT * FROM federated_rounds;
CREATE TABLE federated_answers_before AS SELECT * FROM federated_answers;
CREATE TABLE federated_refusals_before AS SELECT * FROM federated_refusals;
DROP TABLE federated_refusals;
DROP TABLE federated_answers;
DROP TABLE federated_rounds;
DROP TABLE evaluation_sets;
DROP TABLE models;

CREATE TABLE models (
    model_id        TEXT   NOT NULL,  -- UUID; immutable
    name            TEXT   NOT NULL,  -- for people; immutable
    version         BIGINT NOT NULL,  -- place in its lineage, from 1; immutable
    format          TEXT   NOT NULL,  -- safetensors | ONNX | PGSCatalog; immutable
    digest          TEXT   NOT NULL,  -- SHA-256 of its bytes; immutable
    byte_length     BIGINT NOT NULL,  -- immutable
    layout          TEXT   NOT NULL,  -- JSON: of safetensors names, shapes and places of its tensors, of a scoring
                                      -- file what its head says; `null` for ONNX; immutable
    parameter_count BIGINT NOT NULL,  -- numbers in its tensors, rows of a scoring file; immutable
    lineage         TEXT   NOT NULL,  -- model it all began with; itself for that one; immutable
    parent_id       TEXT,             -- model it was trained from; NULL for the first; immutable
    round_id        TEXT,             -- round that made it; NULL when it was added by hand; immutable
    round_number    BIGINT,           -- as above
    sample_count    BIGINT,           -- samples of that round; as above
    licences        TEXT   NOT NULL,  -- JSON list of the Licence IDs of all data behind it, parents included; immutable
    signer          TEXT   NOT NULL,  -- account of the OPERATOR that signed it; immutable
    signature       TEXT   NOT NULL,  -- EIP-191; immutable
    created_at_us   BIGINT NOT NULL,  -- immutable
    CONSTRAINT models_pk PRIMARY KEY (model_id),
    CONSTRAINT models_version_unique UNIQUE (lineage, version, format),
    CONSTRAINT models_format_known CHECK (format IN ('safetensors', 'ONNX', 'PGSCatalog'))
);
INSERT INTO models (
    model_id, name, version, format, digest, byte_length, layout, parameter_count, lineage, parent_id,
    round_id, round_number, sample_count, licences, signer, signature, created_at_us)
SELECT
    model_id, name, version, format, digest, byte_length, layout, parameter_count, lineage, parent_id,
    round_id, round_number, sample_count, licences, signer, signature, created_at_us
FROM models_before;
-- Serves: the list, newest first.
CREATE INDEX models_by_age ON models (created_at_us, model_id);
-- Serves: whether a file is still somebody's.
CREATE INDEX models_by_digest ON models (digest);

-- Held-out data by which the models of a lineage are judged before they are promoted. The operator's own, nobody's AIH Data.
CREATE TABLE evaluation_sets (
    lineage       TEXT   NOT NULL,  -- models it judges; immutable
    digest        TEXT   NOT NULL,  -- SHA-256 of its bytes; immutable
    byte_length   BIGINT NOT NULL,  -- immutable
    example_count BIGINT NOT NULL,  -- immutable
    created_at_us BIGINT NOT NULL,  -- immutable
    CONSTRAINT evaluation_sets_pk PRIMARY KEY (lineage),
    CONSTRAINT evaluation_sets_of_model FOREIGN KEY (lineage) REFERENCES models (model_id)
);
INSERT INTO evaluation_sets (
    lineage, digest, byte_length, example_count, created_at_us)
SELECT
    lineage, digest, byte_length, example_count, created_at_us
FROM evaluation_sets_before;
-- Serves: whether a file is still somebody's.
CREATE INDEX evaluation_sets_by_digest ON evaluation_sets (digest);

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
INSERT INTO federated_rounds (
    round_id, lineage, round_number, base_model, front_end, least, most, deadline_s, aggregation, usage_word,
    parameters, state, rho, result_model, score_before, score_after, reason, opened_by, created_at_us,
    updated_at_us)
SELECT
    round_id, lineage, round_number, base_model, front_end, least, most, deadline_s, aggregation, usage_word,
    parameters, state, rho, result_model, score_before, score_after, reason, opened_by, created_at_us,
    updated_at_us
FROM federated_rounds_before;
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
INSERT INTO federated_answers (
    round_id, front_end, digest, layout, sample_count, items, metrics, signature, state, reason,
    received_at_us)
SELECT
    round_id, front_end, digest, layout, sample_count, items, metrics, signature, state, reason,
    received_at_us
FROM federated_answers_before;
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
INSERT INTO federated_refusals (
    refusal_id, round_id, front_end, reason, refused_at_us)
SELECT
    refusal_id, round_id, front_end, reason, refused_at_us
FROM federated_refusals_before;
-- Serves: the refusals of a round, oldest first.
CREATE INDEX federated_refusals_by_round ON federated_refusals (round_id, refused_at_us, refusal_id);

DROP TABLE models_before;
DROP TABLE evaluation_sets_before;
DROP TABLE federated_rounds_before;
DROP TABLE federated_answers_before;
DROP TABLE federated_refusals_before;
