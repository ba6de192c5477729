-- People and what lets them in. One text for SQLite and PostgreSQL: types are TEXT, BIGINT and DOUBLE PRECISION only.
-- Times: `_s` whole seconds, `_us` microseconds, both since 1970-01-01T00:00:00Z. Addresses of users are CAIP-10 with
-- EIP-55 checksum; every other hash, address or signature is lower-case 0x hex. JSON is TEXT. Flags are 0 or 1.

CREATE TABLE users (
    address          TEXT   NOT NULL,  -- CAIP-10 account; immutable
    requested_class  TEXT   NOT NULL,  -- user class asked for at registration, a word of the standard; immutable
    user_class       TEXT,             -- class vouched for on chain; NULL until then; mutable
    standing         TEXT   NOT NULL,  -- pending → active ⇄ suspended; mutable
    profile_sealed   TEXT   NOT NULL,  -- sealed profile, opaque here; mutable
    user_key_wrapped TEXT   NOT NULL,  -- the user's key, wrapped by the root key; mutable (re-wrapped)
    registered_at_us BIGINT NOT NULL,  -- immutable
    approved_at_us   BIGINT,           -- when the class was first vouched for; set once
    CONSTRAINT users_pk PRIMARY KEY (address),
    CONSTRAINT users_standing_known CHECK (standing IN ('pending', 'active', 'suspended')),
    CONSTRAINT users_class_once_vouched CHECK ((standing = 'pending') = (user_class IS NULL))
);
-- Serves: users of one standing, oldest first (the REGISTRAR's desk).
CREATE INDEX users_by_standing ON users (standing, registered_at_us, address);

CREATE TABLE challenges (
    nonce        TEXT   NOT NULL,  -- random, chosen by the Back End; immutable
    address      TEXT   NOT NULL,  -- account that must sign; immutable
    message      TEXT   NOT NULL,  -- EIP-4361 text to sign, byte for byte; immutable
    expires_at_s BIGINT NOT NULL,  -- first second at which it is worthless; immutable
    used_at_s    BIGINT,           -- set once, by the one taker
    CONSTRAINT challenges_pk PRIMARY KEY (nonce)
);
-- Serves: purge of expired challenges.
CREATE INDEX challenges_by_expiry ON challenges (expires_at_s);

CREATE TABLE tokens (
    token_id     TEXT   NOT NULL,  -- `jti` of the token; immutable
    user_address TEXT   NOT NULL,  -- whom it was given to; immutable
    services     TEXT   NOT NULL,  -- comma list of service words; immutable
    issued_at_s  BIGINT NOT NULL,  -- immutable
    expires_at_s BIGINT NOT NULL,  -- first second at which it is worthless; immutable
    revoked_at_s BIGINT,           -- set once
    CONSTRAINT tokens_pk PRIMARY KEY (token_id),
    CONSTRAINT tokens_of_user FOREIGN KEY (user_address) REFERENCES users (address)
);
-- Serves: purge of expired tokens.
CREATE INDEX tokens_by_expiry ON tokens (expires_at_s);
-- Serves: withdrawing every token of a user.
CREATE INDEX tokens_by_user ON tokens (user_address);
