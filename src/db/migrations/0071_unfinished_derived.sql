-- Results whose derivation ended nobody knows how. Conventions as in 0001.

-- Serves: settling them every half minute. Small: uploads that broke off, which stay, are not in it.
CREATE INDEX data_items_unfinished_derived ON data_items (updated_at_us, aih_data_id)
    WHERE state IN ('announced', 'licensed') AND parent_id IS NOT NULL;
