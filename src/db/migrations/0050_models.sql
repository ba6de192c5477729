-- The models of the MPAI Store. Their files lie beside the database, under their digests. Conventions as in 0001.

CREATE TABLE models (
    model_id        TEXT   NOT NULL,  -- UUID; immutable
    name            TEXT   NOT NULL,  -- for people; immutable
    version         BIGINT NOT NULL,  -- place in its lineage, from 1; immutable
    format          TEXT   NOT NULL,  -- safetensors | ONNX; immutable
    digest          TEXT   NOT NULL,  -- SHA-256 of its bytes; immutable
    byte_length     BIGINT NOT NULL,  -- immutable
    layout          TEXT   NOT NULL,  -- JSON: names, shapes and places of its tensors; `null` for ONNX; immutable
    parameter_count BIGINT NOT NULL,  -- immutable
    lineage         TEXT   NOT NULL,  -- model it all began with; itself for that one; immutable
    parent_id       TEXT,             -- model it was trained from; NULL for the first; immutable
    round_id        TEXT,             -- round that made it; NULL when it was added by hand; immutable
    round_number    BIGINT,           -- as above
    sample_count    BIGINT,           -- samples of that round; as above
    licences        TEXT   NOT NULL,  -- JSON list of the Licence IDs of all data behind it, parents included; immutable
    signer          TEXT   NOT NULL,  -- account of the Back End that signed it; immutable
    signature       TEXT   NOT NULL,  -- EIP-191; immutable
    created_at_us   BIGINT NOT NULL,  -- immutable
    CONSTRAINT models_pk PRIMARY KEY (model_id),
    CONSTRAINT models_version_unique UNIQUE (lineage, version, format),
    CONSTRAINT models_format_known CHECK (format IN ('safetensors', 'ONNX'))
);
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
-- Serves: whether a file is still somebody's.
CREATE INDEX evaluation_sets_by_digest ON evaluation_sets (digest);
