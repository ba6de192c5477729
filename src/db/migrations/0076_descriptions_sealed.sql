-- The free text of an item is the End User's own words about a recording. It is sealed under the item's key now, and goes
-- with it. The next start seals what was written before (decision 0085).
ALTER TABLE data_items ADD COLUMN descr_is_sealed BIGINT NOT NULL DEFAULT 0;  -- 1 when descr_metadata is sealed; set once
-- Serves: descriptions of before, at a start.
CREATE INDEX data_items_description_open ON data_items (descr_is_sealed) WHERE descr_metadata IS NOT NULL AND descr_is_sealed = 0;
