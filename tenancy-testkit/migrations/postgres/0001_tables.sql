CREATE TABLE users (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE leads (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'open',
    owner_id bigint,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX leads_by_status ON leads (tenant_id, status);
