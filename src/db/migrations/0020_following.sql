-- What following the chain and auditing ask besides. Conventions as in 0001.

-- Serves: which class the registry gave a user, and when it changed.
CREATE INDEX chain_events_of_classes ON chain_events (user_address, block_number, log_index)
    WHERE event = 'UserClassSet';
-- Serves: answered operations on an owner's items in a period (audit: answers the chain must hold).
CREATE INDEX operations_answered ON operations (owner, confirmed_at_s, operation_id) WHERE confirmed_at_s IS NOT NULL;
