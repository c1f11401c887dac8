-- What happened to a lead: it was added, changed its status, somebody wrote a note.
CREATE TABLE activities (
    tenant_id BLOB    NOT NULL,
    id        BLOB    NOT NULL,
    lead_id   BLOB    NOT NULL,
    kind      TEXT    NOT NULL,
    body      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);

CREATE INDEX activities_of_lead ON activities (tenant_id, lead_id, at);
CREATE INDEX activities_newest ON activities (tenant_id, at);
