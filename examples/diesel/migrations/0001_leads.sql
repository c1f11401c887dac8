CREATE TABLE leads (
    tenant_id BLOB    NOT NULL,
    id        INTEGER NOT NULL,
    name      TEXT    NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
