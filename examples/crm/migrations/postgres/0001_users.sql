-- People who work in the tenant's CRM. Invited by email, revoked but never deleted: their leads keep an owner.
CREATE TABLE users (
    tenant_id  uuid   NOT NULL,
    id         uuid   NOT NULL,
    name       text   NOT NULL,
    email      text   NOT NULL,
    role       text   NOT NULL,
    status     text   NOT NULL,
    invited_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
