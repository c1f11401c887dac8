-- The password of a user, as argon2 hashed it. A table of its own, so that no list of users carries it along.
CREATE TABLE credentials (
    tenant_id  uuid NOT NULL,
    id         uuid NOT NULL,
    password   text NOT NULL,
    changed_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES users (tenant_id, id)
);

-- Who is signed in, by the hash of what their cookie holds.
CREATE TABLE sessions (
    tenant_id uuid NOT NULL,
    id        bytea NOT NULL,
    user_id   uuid NOT NULL,
    ends_at   bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);

-- Links that let an invited user choose a password, once, by the hash of what stands in them.
CREATE TABLE invitations (
    tenant_id uuid NOT NULL,
    id        bytea NOT NULL,
    user_id   uuid NOT NULL,
    ends_at   bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX invitations_user ON invitations (tenant_id, user_id);
