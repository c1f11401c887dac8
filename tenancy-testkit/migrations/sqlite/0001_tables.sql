CREATE TABLE users (
    tenant_id BLOB NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE leads (
    tenant_id BLOB NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'open',
    owner_id INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX leads_by_status ON leads (tenant_id, status);
