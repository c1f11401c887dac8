-- Work in the background that somebody watches: an import, an export. Files are in the object store, at `tasks/{id}`.
CREATE TABLE tasks (
    tenant_id   uuid   NOT NULL,
    id          uuid   NOT NULL,
    kind        text   NOT NULL,
    title       text   NOT NULL,
    state       text   NOT NULL,
    total       bigint NOT NULL,
    done        bigint NOT NULL,
    rejected    bigint NOT NULL,
    note        text   NOT NULL,
    created_at  bigint NOT NULL,
    finished_at bigint,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX tasks_newest ON tasks (tenant_id, created_at);
