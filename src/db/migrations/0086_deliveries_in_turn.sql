-- Deliveries of one webhook in turn. Conventions as in 0001.

-- Serves: the first that waits for a webhook, so that one whose receiver is slow takes one place and not all; and
-- whether many wait for it.
CREATE INDEX deliveries_waiting_of_a_webhook ON deliveries (webhook_id, next_attempt_at_us, delivery_id)
    WHERE state = 'waiting';
