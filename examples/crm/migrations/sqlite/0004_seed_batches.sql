-- Which batches of demonstration data are in: a start that was interrupted goes on where it stopped.
CREATE TABLE seed_batches (
    tenant_id BLOB    NOT NULL,
    id        INTEGER NOT NULL,
    seeded_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
