-- Since when a root has something to do that is not a deadline: what a start
-- takes up. Before, its deadline said so, by being the time of its last change.
ALTER TABLE roots ADD COLUMN work_since INTEGER;
UPDATE roots SET work_since = next_deadline WHERE next_deadline = update_time;
CREATE INDEX roots_with_work ON roots (partition, work_since) WHERE work_since IS NOT NULL;
