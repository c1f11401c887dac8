-- Times are unix seconds and months are 'YYYY-MM' text, written by the program: the same statement then groups by month
-- on every database. `search` holds the lower-cased words that free-text search looks through.
CREATE TABLE leads (
    tenant_id     BLOB    NOT NULL,
    id            BLOB    NOT NULL,
    name          TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    company       TEXT    NOT NULL,
    status        TEXT    NOT NULL,
    value         INTEGER NOT NULL,
    owner_id      BLOB,
    search        TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    created_month TEXT    NOT NULL,
    updated_at    INTEGER NOT NULL,
    closed_month  TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);

CREATE INDEX leads_newest ON leads (tenant_id, created_at);
CREATE INDEX leads_by_status ON leads (tenant_id, status, created_at);
CREATE INDEX leads_by_owner ON leads (tenant_id, owner_id);
