-- One row for each tenant, a column that only the other database has, a column that the database computes.
CREATE TABLE settings (
    tenant_id BLOB NOT NULL PRIMARY KEY,
    theme TEXT NOT NULL
);
CREATE TABLE notes (
    tenant_id BLOB NOT NULL,
    id INTEGER NOT NULL,
    lead_id INTEGER NOT NULL,
    body TEXT NOT NULL,
    words INTEGER GENERATED ALWAYS AS (length(body)) STORED,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE deals (
    tenant_id BLOB NOT NULL,
    id INTEGER NOT NULL DEFAULT (abs(random())),
    title TEXT NOT NULL,
    "order" INTEGER NOT NULL,
    status TEXT NOT NULL,
    owner_id INTEGER NOT NULL,
    amount INTEGER,
    details TEXT NOT NULL,
    created_at INTEGER NOT NULL DEFAULT 0,
    search TEXT GENERATED ALWAYS AS (lower(title)) STORED,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);
