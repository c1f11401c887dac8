CREATE TABLE users (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE TABLE leads (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'open',
    owner_id bigint,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES users (tenant_id, id)
);
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL);
CREATE TABLE plans (name text PRIMARY KEY);
