-- Files of a lead. What is in them is in the object store, at `attachments/{lead}/{id}`.
CREATE TABLE attachments (
    tenant_id uuid   NOT NULL,
    id        uuid   NOT NULL,
    lead_id   uuid   NOT NULL,
    name      text   NOT NULL,
    size      bigint NOT NULL,
    added_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);

CREATE INDEX attachments_of_lead ON attachments (tenant_id, lead_id, added_at);
