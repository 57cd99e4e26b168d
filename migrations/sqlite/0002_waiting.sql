-- Why what is in the view waits: the number of the reason, 0 for none, and the
-- task queue that it is in.
ALTER TABLE roots ADD COLUMN wait INTEGER NOT NULL DEFAULT 0;
ALTER TABLE roots ADD COLUMN wait_queue TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN wait INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN wait_queue TEXT NOT NULL DEFAULT '';

-- Lists are in an order that never changes, so that pages neither skip nor
-- repeat what is written meanwhile.
DROP INDEX roots_by_update;
CREATE INDEX roots_by_creation ON roots (namespace, kind, create_time, root_id);
