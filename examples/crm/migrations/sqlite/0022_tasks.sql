-- Work in the background that somebody watches: an import, an export. Files are in the object store, at `tasks/{id}`.
CREATE TABLE tasks (
    tenant_id   BLOB    NOT NULL,
    id          BLOB    NOT NULL,
    kind        TEXT    NOT NULL,
    title       TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    total       INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    note        TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX tasks_newest ON tasks (tenant_id, created_at);
