-- Times are unix seconds and months are 'YYYY-MM' text, written by the program: the same statement then groups by month
-- on every database. `search` holds the lower-cased words that free-text search looks through.
CREATE TABLE leads (
    tenant_id     uuid   NOT NULL,
    id            uuid   NOT NULL,
    name          text   NOT NULL,
    email         text   NOT NULL,
    company       text   NOT NULL,
    status        text   NOT NULL,
    value         bigint NOT NULL,
    owner_id      uuid,
    search        text   NOT NULL,
    created_at    bigint NOT NULL,
    created_month text   NOT NULL,
    updated_at    bigint NOT NULL,
    closed_month  text,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);

CREATE INDEX leads_newest ON leads (tenant_id, created_at);
CREATE INDEX leads_by_status ON leads (tenant_id, status, created_at);
CREATE INDEX leads_by_owner ON leads (tenant_id, owner_id);
