-- What the copy of the register knows of licences that fell. Conventions as in 0001.

-- When the clerk saw the item's licence withdrawn, or that of its root withdrawn or replaced; NULL while it stands, as far
-- as is known. The chain decides; this stops what runs and what was permitted a moment before.
ALTER TABLE data_items ADD COLUMN fallen_at_us BIGINT;
