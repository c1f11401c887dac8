-- The queue: rows of the control plane, which no tenant's statements reach. Times are milliseconds since 1970.

CREATE TABLE tenancy_jobs.jobs (
    id TEXT COLLATE "C" PRIMARY KEY,
    queue TEXT COLLATE "C" NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    -- 0 waits, 1 runs, 2 is dead, 3 is done and kept for its key
    state BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    run_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL,
    lease_by TEXT COLLATE "C",
    lease_until BIGINT,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    key TEXT COLLATE "C",
    body TEXT NOT NULL,
    signer TEXT NOT NULL,
    mark BYTEA NOT NULL,
    error TEXT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- A key is the tenant's own.
CREATE UNIQUE INDEX jobs_key ON tenancy_jobs.jobs (tenant, name, key) WHERE key IS NOT NULL;
-- From tenant to tenant without touching what waits behind the first.
CREATE INDEX jobs_waiting ON tenancy_jobs.jobs (queue, tenant, run_at, id) WHERE state = 0;
CREATE INDEX jobs_running ON tenancy_jobs.jobs (queue, tenant, lease_until) WHERE state = 1;
CREATE INDEX jobs_ended ON tenancy_jobs.jobs (tenant, state, changed_at) WHERE state >= 2;

-- What a tenant gets of a queue, and how much of it has been given.
CREATE TABLE tenancy_jobs.lanes (
    queue TEXT COLLATE "C" NOT NULL,
    tenant TEXT COLLATE "C" NOT NULL,
    weight BIGINT NOT NULL DEFAULT 1,
    at_once BIGINT NOT NULL DEFAULT 1000,
    finish BIGINT NOT NULL DEFAULT 0,
    paused BOOLEAN NOT NULL DEFAULT FALSE,
    PRIMARY KEY (queue, tenant)
);
CREATE INDEX lanes_paused ON tenancy_jobs.lanes (tenant) WHERE paused;

-- Who takes jobs out of a queue holds its row.
CREATE TABLE tenancy_jobs.queues (
    name TEXT COLLATE "C" PRIMARY KEY,
    clock BIGINT NOT NULL DEFAULT 0
);

-- Up to when a schedule was done.
CREATE TABLE tenancy_jobs.schedules (
    name TEXT COLLATE "C" PRIMARY KEY,
    done_at BIGINT NOT NULL
);
