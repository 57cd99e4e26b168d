-- The log: one row per append. It only ever grows at the ends of partitions and
-- is trimmed at their beginnings; vacuum comes after so many rows, not after a
-- share of them. Rows up to a page are kept in it whole.
CREATE TABLE log (
    partition   BIGINT NOT NULL,
    sequence    BIGINT NOT NULL,
    owner_epoch BIGINT NOT NULL,
    payload     BYTEA  NOT NULL,
    PRIMARY KEY (partition, sequence)
) WITH (
    toast_tuple_target = 8160,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 1000000,
    autovacuum_vacuum_cost_delay = 0,
    toast.autovacuum_vacuum_scale_factor = 0,
    toast.autovacuum_vacuum_threshold = 20000,
    toast.autovacuum_vacuum_cost_delay = 0
);
-- What is stored is packed already.
ALTER TABLE log ALTER payload SET STORAGE EXTERNAL;

-- The last sequence that was appended to a log whose rows were trimmed.
CREATE TABLE log_ends (
    partition     BIGINT PRIMARY KEY,
    last_sequence BIGINT NOT NULL
) WITH (fillfactor = 50);

-- The nodes of the cluster. A heartbeat changes one row, the node's own. Only
-- this database's clock is compared with seen_at.
CREATE TABLE nodes (
    node_id     TEXT COLLATE "C" PRIMARY KEY,
    incarnation BIGINT      NOT NULL,
    address     TEXT        NOT NULL,
    version     TEXT        NOT NULL,
    protocol    BIGINT      NOT NULL,
    draining    BOOLEAN     NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    seen_at     TIMESTAMPTZ NOT NULL
) WITH (fillfactor = 50);

-- Who owns each partition. Appends lock these rows, so they change only when a
-- partition moves.
CREATE TABLE leases (
    partition   BIGINT PRIMARY KEY,
    owner_epoch BIGINT NOT NULL,
    node_id     TEXT COLLATE "C",
    incarnation BIGINT
) WITH (fillfactor = 50);

-- The view: roots, runs, journals and transcripts, written behind the log. Texts
-- are in the order of their bytes, as in the cursors of lists.
CREATE TABLE roots (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition        BIGINT NOT NULL,
    hash             BIGINT NOT NULL,
    namespace        TEXT COLLATE "C" NOT NULL,
    root_id          TEXT COLLATE "C" NOT NULL,
    kind             BIGINT NOT NULL,
    type_name        TEXT COLLATE "C" NOT NULL,
    status           BIGINT NOT NULL,
    create_time      BIGINT NOT NULL,
    update_time      BIGINT NOT NULL,
    next_deadline    BIGINT,
    work_since       BIGINT,
    unanswered_since BIGINT,
    wait             BIGINT NOT NULL,
    wait_queue       TEXT COLLATE "C" NOT NULL,
    applied_sequence BIGINT NOT NULL,
    snapshot         BYTEA  NOT NULL,
    summary          BYTEA  NOT NULL,
    UNIQUE (namespace, root_id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE roots ALTER snapshot SET STORAGE EXTERNAL;
ALTER TABLE roots ALTER summary SET STORAGE EXTERNAL;
CREATE INDEX roots_by_hash ON roots (partition, hash);
CREATE INDEX roots_by_deadline ON roots (partition, next_deadline, id)
    WHERE next_deadline IS NOT NULL;
CREATE INDEX roots_with_work ON roots (partition, work_since, id) WHERE work_since IS NOT NULL;
CREATE INDEX roots_by_creation ON roots (namespace, kind, create_time, root_id);
CREATE INDEX roots_unanswered ON roots (namespace, kind, unanswered_since)
    WHERE unanswered_since IS NOT NULL;

-- Values of large states, apart from the roots that name them by their
-- versions: each is written once, and goes when no root names it any more.
CREATE TABLE state_values (
    root    BIGINT NOT NULL,
    version BIGINT NOT NULL,
    payload BYTEA  NOT NULL,
    PRIMARY KEY (root, version)
);
ALTER TABLE state_values ALTER payload SET STORAGE EXTERNAL;

CREATE TABLE runs (
    run_id             BYTEA PRIMARY KEY,
    namespace          TEXT COLLATE "C" NOT NULL,
    root_id            TEXT COLLATE "C" NOT NULL,
    workflow_id        TEXT COLLATE "C" NOT NULL,
    type_name          TEXT COLLATE "C" NOT NULL,
    task_queue         TEXT COLLATE "C" NOT NULL,
    status             BIGINT NOT NULL,
    parent_workflow_id TEXT COLLATE "C",
    start_time         BIGINT NOT NULL,
    close_time         BIGINT,
    event_count        BIGINT NOT NULL,
    wait               BIGINT NOT NULL,
    wait_queue         TEXT COLLATE "C" NOT NULL,
    detail             BYTEA  NOT NULL
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX runs_by_workflow ON runs (namespace, workflow_id, start_time);
CREATE INDEX runs_by_root ON runs (namespace, root_id);
CREATE INDEX runs_by_start ON runs (namespace, start_time);

CREATE TABLE history (
    run_id         BYTEA  NOT NULL,
    first_event_id BIGINT NOT NULL,
    last_event_id  BIGINT NOT NULL,
    payload        BYTEA  NOT NULL,
    PRIMARY KEY (run_id, first_event_id)
);
ALTER TABLE history ALTER payload SET STORAGE EXTERNAL;

CREATE TABLE messages (
    namespace      TEXT COLLATE "C" NOT NULL,
    root_id        TEXT COLLATE "C" NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence  BIGINT NOT NULL,
    payload        BYTEA  NOT NULL,
    PRIMARY KEY (namespace, root_id, first_sequence)
);
ALTER TABLE messages ALTER payload SET STORAGE EXTERNAL;

CREATE TABLE approvals (
    namespace    TEXT COLLATE "C" NOT NULL,
    approval_id  TEXT COLLATE "C" NOT NULL,
    root_id      TEXT COLLATE "C" NOT NULL,
    status       BIGINT NOT NULL,
    request_time BIGINT NOT NULL,
    detail       BYTEA  NOT NULL,
    PRIMARY KEY (namespace, approval_id)
);
CREATE INDEX approvals_by_root ON approvals (namespace, root_id);
CREATE INDEX approvals_by_time ON approvals (namespace, request_time);
