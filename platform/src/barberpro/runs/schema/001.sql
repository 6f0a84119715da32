-- The registry: what is deployed, in which revisions, by which runs.
-- JSON is kept as text, exactly as its checksum was taken; instants are timestamptz.

CREATE TABLE registry.deployments (
    id               text PRIMARY KEY CHECK (id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name             text NOT NULL,
    vertical         text NOT NULL,
    target           text NOT NULL,
    current_revision integer,
    state            text NOT NULL DEFAULT 'new',
    request          text NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE registry.runs (
    id              text PRIMARY KEY,
    deployment      text NOT NULL REFERENCES registry.deployments (id),
    kind            text NOT NULL,
    revision        integer,
    started_by      text NOT NULL,
    host            text NOT NULL,
    pid             integer NOT NULL,
    format          integer NOT NULL,
    payload         text NOT NULL,
    checksum        text NOT NULL,
    shape           text NOT NULL,
    undo_on_failure boolean NOT NULL,
    undo_requested  boolean NOT NULL DEFAULT false,
    resumed         integer NOT NULL DEFAULT 0,
    started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at        timestamptz,
    status          text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'done', 'failed', 'undone', 'interrupted')),
    failed_step     text NOT NULL DEFAULT '',
    message         text NOT NULL DEFAULT ''
);
CREATE INDEX runs_by_deployment ON registry.runs (deployment, started_at DESC);

CREATE TABLE registry.revisions (
    deployment text NOT NULL REFERENCES registry.deployments (id),
    number     integer NOT NULL CHECK (number > 0),
    plan       text NOT NULL,
    checksum   text NOT NULL,
    run        text NOT NULL REFERENCES registry.runs (id),
    state      text NOT NULL DEFAULT 'reserved'
        CHECK (state IN ('reserved', 'applied', 'failed')),
    applied_at timestamptz,
    PRIMARY KEY (deployment, number)
);

-- Who holds the lock of a deployment. The lock itself is an advisory lock of the holder's session;
-- this row only says whose it is, so a row without that lock is a leftover.
CREATE TABLE registry.holders (
    deployment text PRIMARY KEY,
    lock_key   bigint NOT NULL,
    token      uuid NOT NULL,
    run        text NOT NULL,
    kind       text NOT NULL,
    started_by text NOT NULL,
    host       text NOT NULL,
    pid        integer NOT NULL,
    since      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE registry.baselines (
    deployment  text NOT NULL REFERENCES registry.deployments (id),
    revision    integer NOT NULL,
    figures     text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (deployment, revision)
);

CREATE TABLE registry.findings (
    run    text NOT NULL REFERENCES registry.runs (id),
    id     text NOT NULL,
    body   text NOT NULL,
    PRIMARY KEY (run, id)
);

CREATE TABLE registry.evidence (
    run         text NOT NULL REFERENCES registry.runs (id),
    control     text NOT NULL,
    body        text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, control)
);
