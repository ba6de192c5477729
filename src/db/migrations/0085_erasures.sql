-- Erasures that a crash cut off. Conventions as in 0001.

-- By whom an item was erased: `end_user` or `back_end` (of something it made and nobody was told of). NULL until erased,
-- and of items erased before this column was there.
ALTER TABLE data_items ADD COLUMN erased_by TEXT;

-- From now on `object_name` outlives the erasure until the act is noted and the object deleted; then it becomes NULL.
-- Serves: finishing those. Small: a finished erasure leaves it.
CREATE INDEX data_items_erased_unfinished ON data_items (aih_data_id)
    WHERE state = 'erased' AND object_name IS NOT NULL;
-- The same within a family.
CREATE INDEX data_items_erased_unfinished_of_root ON data_items (root_id, aih_data_id)
    WHERE state = 'erased' AND object_name IS NOT NULL;

-- `idempotency.created_at_us`, of which 0005 says that it never changes, is written by signs of life while a request is
-- worked on.
