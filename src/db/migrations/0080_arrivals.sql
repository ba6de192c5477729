-- Items that have arrived and that Anomaly and Risk Alerting has not looked into yet. Conventions as in 0001.

CREATE TABLE arrivals (
    aih_data_id TEXT   NOT NULL,  -- written in the transaction that acknowledges the upload; immutable
    due_at_us   BIGINT NOT NULL,  -- when somebody looks, if nobody has by then; moved ahead by whoever is at it
    attempts    BIGINT NOT NULL,  -- looks begun so far
    CONSTRAINT arrivals_pk PRIMARY KEY (aih_data_id),
    CONSTRAINT arrivals_of_item FOREIGN KEY (aih_data_id) REFERENCES data_items (aih_data_id)
);
-- Serves: what is due. Small: what was looked into leaves it.
CREATE INDEX arrivals_due ON arrivals (due_at_us, aih_data_id);
