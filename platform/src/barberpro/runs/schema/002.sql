-- A fleet's upgrade: which deployments, in which waves, and how each of them stands.

CREATE TABLE registry.rollouts (
    id         text PRIMARY KEY,
    started_by text NOT NULL,
    options    text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at   timestamptz,
    status     text NOT NULL DEFAULT 'running'
        CHECK (status IN ('running', 'done', 'halted', 'given-up')),
    message    text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX one_rollout_at_a_time ON registry.rollouts ((true)) WHERE status = 'running';

CREATE TABLE registry.rollout_members (
    rollout    text NOT NULL REFERENCES registry.rollouts (id),
    deployment text NOT NULL,
    wave       integer NOT NULL CHECK (wave >= 0),
    place      integer NOT NULL,
    kind       text NOT NULL,
    payload    text NOT NULL,
    state      text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'done', 'failed', 'unwell', 'skipped')),
    run        text NOT NULL DEFAULT '',
    message    text NOT NULL DEFAULT '',
    seconds    double precision NOT NULL DEFAULT 0,
    PRIMARY KEY (rollout, deployment)
);
