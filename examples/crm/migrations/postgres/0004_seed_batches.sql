-- Which batches of demonstration data are in: a start that was interrupted goes on where it stopped.
CREATE TABLE seed_batches (
    tenant_id uuid   NOT NULL,
    id        bigint NOT NULL,
    seeded_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
