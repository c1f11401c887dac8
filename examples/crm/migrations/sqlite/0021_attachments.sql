-- Files of a lead. What is in them is in the object store, at `attachments/{lead}/{id}`.
CREATE TABLE attachments (
    tenant_id BLOB    NOT NULL,
    id        BLOB    NOT NULL,
    lead_id   BLOB    NOT NULL,
    name      TEXT    NOT NULL,
    size      INTEGER NOT NULL,
    added_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);

CREATE INDEX attachments_of_lead ON attachments (tenant_id, lead_id, added_at);
