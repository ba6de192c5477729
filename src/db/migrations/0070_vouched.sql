-- What was vouched for, kept when a reset or reorganised chain takes it back. Conventions as in 0001.

-- The class the registry gave last; NULL for whoever never had one. A chain that forgets the user leaves it.
ALTER TABLE users ADD COLUMN vouched_class TEXT;
-- 1, or 0 while suspended, as the registry said last; kept likewise.
ALTER TABLE users ADD COLUMN vouched_active BIGINT;
UPDATE users SET vouched_class = user_class, vouched_active = CASE standing WHEN 'suspended' THEN 0 ELSE 1 END
    WHERE user_class IS NOT NULL;
