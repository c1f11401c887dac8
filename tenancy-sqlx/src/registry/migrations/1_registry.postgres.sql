-- The registry: who the tenants are and where they live. Times are milliseconds since 1970 (UTC).

-- One row: the identity of this registry and the number of its last change. Every change of a tenant takes the next number
-- inside its own transaction; the row's lock makes numbers visible in their order, so that a poller misses none.
CREATE TABLE tenancy.registry (
    only_row smallint PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
    id       text     NOT NULL,
    epoch    bigint   NOT NULL DEFAULT 0
);

CREATE TABLE tenancy.tenants (
    id             text   COLLATE "C" PRIMARY KEY,
    slug           text   NOT NULL UNIQUE,
    name           text   NOT NULL,
    status         text   NOT NULL CHECK (status IN ('provisioning', 'active', 'read_only', 'suspended', 'offboarding')),
    isolation      text   NOT NULL CHECK (isolation IN ('shared', 'schema', 'database')),
    server         text   NOT NULL,
    placement_name text   CHECK ((placement_name IS NULL) = (isolation = 'shared')),
    plan           text,
    settings       text   NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(settings::jsonb) = 'object'),
    epoch          bigint NOT NULL,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL,
    -- Two tenants never live in one place of their own.
    UNIQUE (server, isolation, placement_name)
);
CREATE INDEX tenants_epoch ON tenancy.tenants (epoch);

-- Several tenants may claim a domain; it leads to the one that proved it is theirs.
CREATE TABLE tenancy.domains (
    domain      text   NOT NULL,
    tenant      text   NOT NULL REFERENCES tenancy.tenants (id),
    created_at  bigint NOT NULL,
    verified_at bigint,
    PRIMARY KEY (domain, tenant)
);
CREATE UNIQUE INDEX domains_verified ON tenancy.domains (domain) WHERE verified_at IS NOT NULL;
CREATE INDEX domains_tenant ON tenancy.domains (tenant);

CREATE TABLE tenancy.api_keys (
    hash         bytea  PRIMARY KEY CHECK (length(hash) = 32),
    tenant       text   NOT NULL REFERENCES tenancy.tenants (id),
    prefix       text   NOT NULL,
    created_at   bigint NOT NULL,
    last_used_at bigint,
    revoked_at   bigint
);
CREATE INDEX api_keys_tenant ON tenancy.api_keys (tenant);

-- A slug that was let go is not given to somebody else: links and cookies of the old tenant would reach the new one.
CREATE TABLE tenancy.tombstones (
    slug      text   PRIMARY KEY,
    tenant    text   NOT NULL,
    buried_at bigint NOT NULL
);

CREATE TABLE tenancy.audit_log (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     bigint NOT NULL,
    kind   text   NOT NULL,
    tenant text,
    actor  text   NOT NULL,
    reason text,
    detail text
);
CREATE INDEX audit_log_tenant ON tenancy.audit_log (tenant, id);

CREATE FUNCTION tenancy.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON tenancy.audit_log
    FOR EACH ROW EXECUTE FUNCTION tenancy.refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON tenancy.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION tenancy.refuse_change();

-- Wakes whoever listens. The payload is the tenant's id and nothing else: every session of the database may listen.
CREATE FUNCTION tenancy.announce() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('tenancy_registry', NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON tenancy.tenants
    FOR EACH ROW EXECUTE FUNCTION tenancy.announce();

REVOKE ALL ON ALL TABLES IN SCHEMA tenancy FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenancy FROM PUBLIC;
