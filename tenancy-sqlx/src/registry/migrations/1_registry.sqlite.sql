-- The registry: who the tenants are and where they live. Times are milliseconds since 1970 (UTC).

-- One row: the identity of this registry and the number of its last change. Every change of a tenant takes the next number.
CREATE TABLE registry (
    -- Not a primary key: SQLite would number its rows itself.
    only_row INTEGER NOT NULL DEFAULT 1 UNIQUE CHECK (only_row = 1),
    id       TEXT    NOT NULL,
    epoch    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tenants (
    id             TEXT    PRIMARY KEY NOT NULL,
    slug           TEXT    NOT NULL UNIQUE,
    name           TEXT    NOT NULL,
    status         TEXT    NOT NULL CHECK (status IN ('provisioning', 'active', 'read_only', 'suspended', 'offboarding')),
    isolation      TEXT    NOT NULL CHECK (isolation IN ('shared', 'schema', 'database')),
    server         TEXT    NOT NULL,
    placement_name TEXT    CHECK ((placement_name IS NULL) = (isolation = 'shared')),
    plan           TEXT,
    settings       TEXT    NOT NULL DEFAULT '{}' CHECK (json_valid(settings) AND json_type(settings) = 'object'),
    epoch          INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    -- Two tenants never live in one place of their own.
    UNIQUE (server, isolation, placement_name)
) STRICT;
CREATE INDEX tenants_epoch ON tenants (epoch);

-- Several tenants may claim a domain; it leads to the one that proved it is theirs.
CREATE TABLE domains (
    domain      TEXT    NOT NULL,
    tenant      TEXT    NOT NULL REFERENCES tenants (id),
    created_at  INTEGER NOT NULL,
    verified_at INTEGER,
    PRIMARY KEY (domain, tenant)
) STRICT;
CREATE UNIQUE INDEX domains_verified ON domains (domain) WHERE verified_at IS NOT NULL;
CREATE INDEX domains_tenant ON domains (tenant);

CREATE TABLE api_keys (
    hash         BLOB    PRIMARY KEY NOT NULL CHECK (length(hash) = 32),
    tenant       TEXT    NOT NULL REFERENCES tenants (id),
    prefix       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;
CREATE INDEX api_keys_tenant ON api_keys (tenant);

-- A slug that was let go is not given to somebody else: links and cookies of the old tenant would reach the new one.
CREATE TABLE tombstones (
    slug      TEXT    PRIMARY KEY NOT NULL,
    tenant    TEXT    NOT NULL,
    buried_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_log (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    kind   TEXT    NOT NULL,
    tenant TEXT,
    actor  TEXT    NOT NULL,
    reason TEXT,
    detail TEXT
) STRICT;
CREATE INDEX audit_log_tenant ON audit_log (tenant, id);

CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END;
CREATE TRIGGER audit_log_is_not_deleted BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'the audit log is append only'); END;
