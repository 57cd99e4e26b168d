-- Since when the customer of a conversation has no answer; NULL when everything
-- is answered.
ALTER TABLE roots ADD COLUMN unanswered_since INTEGER;
CREATE INDEX roots_unanswered ON roots (namespace, kind, unanswered_since)
    WHERE unanswered_since IS NOT NULL;
