-- Tokens of accounts that operate this Back End and need not be registered users. Columns and conventions as in `tokens`.

CREATE TABLE operator_tokens (
    token_id     TEXT   NOT NULL,  -- `jti` of the token; immutable
    user_address TEXT   NOT NULL,  -- whom it was given to; immutable
    services     TEXT   NOT NULL,  -- comma list of service words; immutable
    issued_at_s  BIGINT NOT NULL,  -- immutable
    expires_at_s BIGINT NOT NULL,  -- first second at which it is worthless; immutable
    revoked_at_s BIGINT,           -- set once
    CONSTRAINT operator_tokens_pk PRIMARY KEY (token_id)
);
-- Serves: purge of expired tokens.
CREATE INDEX operator_tokens_by_expiry ON operator_tokens (expires_at_s);
