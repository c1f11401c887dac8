-- The password of a user, as argon2 hashed it. A table of its own, so that no list of users carries it along.
CREATE TABLE credentials (
    tenant_id  BLOB NOT NULL,
    id         BLOB NOT NULL,
    password   TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, id) REFERENCES users (tenant_id, id)
);

-- Who is signed in, by the hash of what their cookie holds.
CREATE TABLE sessions (
    tenant_id BLOB NOT NULL,
    id        BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    ends_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);

-- Links that let an invited user choose a password, once, by the hash of what stands in them.
CREATE TABLE invitations (
    tenant_id BLOB NOT NULL,
    id        BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    ends_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX invitations_user ON invitations (tenant_id, user_id);
