-- Jobs that are sent with the rows of a transaction, on their way to the queue.
CREATE TABLE tenancy_outbox (
    tenant_id uuid NOT NULL,
    id        text NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
