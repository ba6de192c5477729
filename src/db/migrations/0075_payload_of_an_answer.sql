-- What lay behind the message of a request in parts. Two such requests are the same only when this is, too.
ALTER TABLE idempotency ADD COLUMN payload_sha256 TEXT;  -- NULL while in work, and of a request that is all message; set once
-- Answers kept before this say nothing of their payload; the identifiers inside the messages keep the work from being
-- done twice.
DELETE FROM idempotency
    WHERE state = 'done' AND route IN ('POST /v1/aih-data', 'POST /v1/federated-learn', 'POST /v1/store/models');
