-- What Anomaly and Risk Alerting found, whom it told, and what is still to be delivered. Conventions as in 0001.

-- Append-only; rows go with the erasure of their item.
CREATE TABLE findings (
    finding_id    TEXT   NOT NULL,  -- ARA Data ID, a UUID that only the item's key can make again; immutable
    aih_data_id   TEXT   NOT NULL,  -- the item it was found in; immutable
    operation_id  TEXT   NOT NULL,  -- the alerting that found it first; immutable
    alert_id      TEXT,             -- the alert that told of it; NULL when it is only kept with the data
    sealed        TEXT   NOT NULL,  -- ARA Data, sealed under the item's key; immutable
    created_at_us BIGINT NOT NULL,  -- immutable
    CONSTRAINT findings_pk PRIMARY KEY (finding_id),
    CONSTRAINT findings_of_item FOREIGN KEY (aih_data_id) REFERENCES data_items (aih_data_id)
);
-- Serves: the findings of an item.
CREATE INDEX findings_by_item ON findings (aih_data_id, finding_id);

CREATE TABLE alerts (
    alert_id           TEXT   NOT NULL,  -- UUID; immutable
    aih_data_id        TEXT   NOT NULL,  -- immutable
    owner              TEXT   NOT NULL,  -- End User of the item; immutable
    state              TEXT   NOT NULL,  -- raised → acknowledged → cleared
    raised_at_us       BIGINT NOT NULL,  -- immutable
    acknowledged_at_us BIGINT,           -- set once
    acknowledged_by    TEXT,             -- set once
    cleared_at_us      BIGINT,           -- set once
    cleared_by         TEXT,             -- set once
    CONSTRAINT alerts_pk PRIMARY KEY (alert_id),
    CONSTRAINT alerts_of_item FOREIGN KEY (aih_data_id) REFERENCES data_items (aih_data_id),
    CONSTRAINT alerts_state_known CHECK (state IN ('raised', 'acknowledged', 'cleared')),
    CONSTRAINT alerts_acknowledged_by_somebody CHECK ((state = 'raised') = (acknowledged_by IS NULL)),
    CONSTRAINT alerts_cleared_by_somebody CHECK ((state = 'cleared') = (cleared_by IS NOT NULL))
);

-- Serves: whether an item may go.
CREATE INDEX alerts_by_item ON alerts (aih_data_id);

-- Who was told of an alert and may still see it: the End User, and recipients for as long as they are named.
CREATE TABLE alert_audience (
    alert_id     TEXT   NOT NULL,  -- immutable
    user_address TEXT   NOT NULL,  -- immutable
    owner        TEXT   NOT NULL,  -- as in alerts
    root_id      TEXT   NOT NULL,  -- the item the End User licensed: the item itself, or what it was derived from
    raised_at_us BIGINT NOT NULL,  -- as in alerts
    CONSTRAINT alert_audience_pk PRIMARY KEY (alert_id, user_address),
    CONSTRAINT alert_audience_of_alert FOREIGN KEY (alert_id) REFERENCES alerts (alert_id)
);
-- Serves: the alerts somebody was told of, newest first.
CREATE INDEX alert_audience_by_user ON alert_audience (user_address, raised_at_us, alert_id);
-- Serves: taking people out who are named no more.
CREATE INDEX alert_audience_by_owner ON alert_audience (owner);

-- The Users an End User names to be told.
CREATE TABLE alert_recipients (
    owner         TEXT   NOT NULL,  -- immutable
    scope         TEXT   NOT NULL,  -- an AIH Data ID (what is derived from it included), or empty for all items
    recipient     TEXT   NOT NULL,  -- immutable
    created_at_us BIGINT NOT NULL,  -- immutable
    CONSTRAINT alert_recipients_pk PRIMARY KEY (owner, scope, recipient)
);

CREATE TABLE webhooks (
    webhook_id        TEXT   NOT NULL,  -- UUID; immutable
    user_address      TEXT   NOT NULL,  -- whose it is; immutable
    url_sealed        TEXT   NOT NULL,  -- sealed under the root key: addresses often hold a credential; immutable
    secret_sealed     TEXT   NOT NULL,  -- what deliveries are signed with, sealed under the root key; mutable
    retiring_sealed   TEXT,             -- the secret before, which also signs until its time is over
    retiring_until_us BIGINT,           -- until when
    state             TEXT   NOT NULL,  -- active → disabled
    reason            TEXT,             -- why it was disabled; set once
    created_at_us     BIGINT NOT NULL,  -- immutable
    CONSTRAINT webhooks_pk PRIMARY KEY (webhook_id),
    CONSTRAINT webhooks_state_known CHECK (state IN ('active', 'disabled')),
    CONSTRAINT webhooks_disabled_for_a_reason CHECK ((state = 'disabled') = (reason IS NOT NULL)),
    CONSTRAINT webhooks_retiring_for_a_time CHECK ((retiring_sealed IS NULL) = (retiring_until_us IS NULL))
);
-- Serves: a user's webhooks.
CREATE INDEX webhooks_by_user ON webhooks (user_address, created_at_us, webhook_id);

CREATE TABLE deliveries (
    delivery_id        TEXT   NOT NULL,  -- `webhook-id` and CloudEvents `id`, a UUID; immutable
    webhook_id         TEXT   NOT NULL,  -- immutable
    body               TEXT   NOT NULL,  -- CloudEvent, JSON: identifiers only; immutable
    state              TEXT   NOT NULL,  -- waiting → delivered | given_up
    attempts           BIGINT NOT NULL,  -- made so far
    next_attempt_at_us BIGINT NOT NULL,  -- when it is due; moved ahead by whoever is at it
    reason             TEXT,             -- what the last attempt came to, when it came to nothing
    created_at_us      BIGINT NOT NULL,  -- immutable
    ended_at_us        BIGINT,           -- when it was delivered or given up
    CONSTRAINT deliveries_pk PRIMARY KEY (delivery_id),
    CONSTRAINT deliveries_of_webhook FOREIGN KEY (webhook_id) REFERENCES webhooks (webhook_id),
    CONSTRAINT deliveries_state_known CHECK (state IN ('waiting', 'delivered', 'given_up')),
    CONSTRAINT deliveries_given_up_for_a_reason CHECK (state <> 'given_up' OR reason IS NOT NULL),
    CONSTRAINT deliveries_end_once CHECK ((state = 'waiting') = (ended_at_us IS NULL))
);
-- Serves: what is due. Small: ended deliveries leave it.
CREATE INDEX deliveries_due ON deliveries (next_attempt_at_us, delivery_id) WHERE state = 'waiting';
-- Serves: the deliveries of a webhook.
CREATE INDEX deliveries_of_a_webhook ON deliveries (webhook_id, created_at_us, delivery_id);
-- Serves: purge of ended deliveries.
CREATE INDEX deliveries_ended ON deliveries (ended_at_us) WHERE ended_at_us IS NOT NULL;
