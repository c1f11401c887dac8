-- Jobs that are sent with the rows of a transaction, on their way to the queue.
CREATE TABLE tenancy_outbox (
    tenant_id BLOB NOT NULL,
    id        TEXT NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
