-- The log: one row per append, keyed by partition and sequence in one integer
-- (partition * 2^48 + sequence), so that it only ever grows at its ends.
CREATE TABLE log (
    id      INTEGER PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT;

-- Who owns each partition, and the last sequence that was appended to it. The
-- sequence outlives the rows that were trimmed.
CREATE TABLE partitions (
    partition     INTEGER PRIMARY KEY,
    owner_epoch   INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL
) STRICT;

-- The view: roots, runs, journals and transcripts, written behind the log.
CREATE TABLE roots (
    id               INTEGER PRIMARY KEY,
    partition        INTEGER NOT NULL,
    hash             INTEGER NOT NULL,
    namespace        TEXT    NOT NULL,
    root_id          TEXT    NOT NULL,
    kind             INTEGER NOT NULL,
    type_name        TEXT    NOT NULL,
    status           INTEGER NOT NULL,
    create_time      INTEGER NOT NULL,
    update_time      INTEGER NOT NULL,
    next_deadline    INTEGER,
    applied_sequence INTEGER NOT NULL,
    snapshot         BLOB    NOT NULL,
    summary          BLOB    NOT NULL,
    UNIQUE (namespace, root_id)
) STRICT;
CREATE INDEX roots_by_hash ON roots (partition, hash);
CREATE INDEX roots_by_deadline ON roots (partition, next_deadline) WHERE next_deadline IS NOT NULL;
CREATE INDEX roots_by_update ON roots (namespace, kind, update_time);

CREATE TABLE runs (
    run_id             BLOB PRIMARY KEY,
    namespace          TEXT    NOT NULL,
    root_id            TEXT    NOT NULL,
    workflow_id        TEXT    NOT NULL,
    type_name          TEXT    NOT NULL,
    task_queue         TEXT    NOT NULL,
    status             INTEGER NOT NULL,
    parent_workflow_id TEXT,
    start_time         INTEGER NOT NULL,
    close_time         INTEGER,
    event_count        INTEGER NOT NULL,
    detail             BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_workflow ON runs (namespace, workflow_id, start_time);
CREATE INDEX runs_by_root ON runs (namespace, root_id);
CREATE INDEX runs_by_start ON runs (namespace, start_time);

CREATE TABLE history (
    run_id         BLOB    NOT NULL,
    first_event_id INTEGER NOT NULL,
    last_event_id  INTEGER NOT NULL,
    payload        BLOB    NOT NULL,
    PRIMARY KEY (run_id, first_event_id)
) STRICT;

CREATE TABLE messages (
    namespace      TEXT    NOT NULL,
    root_id        TEXT    NOT NULL,
    first_sequence INTEGER NOT NULL,
    last_sequence  INTEGER NOT NULL,
    payload        BLOB    NOT NULL,
    PRIMARY KEY (namespace, root_id, first_sequence)
) STRICT;

CREATE TABLE approvals (
    namespace    TEXT    NOT NULL,
    approval_id  TEXT    NOT NULL,
    root_id      TEXT    NOT NULL,
    status       INTEGER NOT NULL,
    request_time INTEGER NOT NULL,
    detail       BLOB    NOT NULL,
    PRIMARY KEY (namespace, approval_id)
) STRICT;
CREATE INDEX approvals_by_root ON approvals (namespace, root_id);
CREATE INDEX approvals_by_time ON approvals (namespace, request_time);
