-- The queue: rows of the control plane, which no tenant's statements reach. Times are milliseconds since 1970.

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    queue TEXT NOT NULL,
    tenant TEXT NOT NULL,
    -- 0 waits, 1 runs, 2 is dead, 3 is done and kept for its key
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    run_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    lease_by TEXT,
    lease_until INTEGER,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    key TEXT,
    body TEXT NOT NULL,
    signer TEXT NOT NULL,
    mark BLOB NOT NULL,
    error TEXT,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
);

-- A key is the tenant's own.
CREATE UNIQUE INDEX jobs_key ON jobs (tenant, name, key) WHERE key IS NOT NULL;
-- From tenant to tenant without touching what waits behind the first.
CREATE INDEX jobs_waiting ON jobs (queue, tenant, run_at, id) WHERE state = 0;
CREATE INDEX jobs_running ON jobs (queue, tenant, lease_until) WHERE state = 1;
CREATE INDEX jobs_ended ON jobs (tenant, state, changed_at) WHERE state >= 2;

-- What a tenant gets of a queue, and how much of it has been given.
CREATE TABLE lanes (
    queue TEXT NOT NULL,
    tenant TEXT NOT NULL,
    weight INTEGER NOT NULL DEFAULT 1,
    at_once INTEGER NOT NULL DEFAULT 1000,
    finish INTEGER NOT NULL DEFAULT 0,
    paused INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue, tenant)
);
CREATE INDEX lanes_paused ON lanes (tenant) WHERE paused;

-- Who takes jobs out of a queue holds its row.
CREATE TABLE queues (
    name TEXT PRIMARY KEY,
    clock INTEGER NOT NULL DEFAULT 0
);

-- Up to when a schedule was done.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY,
    done_at INTEGER NOT NULL
);
