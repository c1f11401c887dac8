-- The tables of the plan corpus, as a migration has them. Times, money and JSON are what an application's are.
CREATE TABLE countries (
    code text NOT NULL PRIMARY KEY,
    name text NOT NULL
);
CREATE TABLE users (
    tenant_id  uuid   NOT NULL,
    id         bigint NOT NULL,
    name       text   NOT NULL,
    email      text   NOT NULL,
    role       text   NOT NULL DEFAULT 'seller',
    manager_id bigint,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE TABLE leads (
    tenant_id  uuid        NOT NULL,
    id         bigint      NOT NULL,
    name       text        NOT NULL,
    email      text        NOT NULL,
    status     text        NOT NULL DEFAULT 'open',
    value      bigint      NOT NULL DEFAULT 0,
    owner_id   bigint,
    country    text        NOT NULL DEFAULT 'de',
    tags       text[]      NOT NULL DEFAULT '{}',
    data       jsonb       NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, email)
);
CREATE TABLE contacts (
    tenant_id  uuid    NOT NULL,
    id         bigint  NOT NULL,
    lead_id    bigint  NOT NULL,
    name       text    NOT NULL,
    email      text    NOT NULL,
    is_primary boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE notes (
    tenant_id uuid        NOT NULL,
    id        bigint      NOT NULL,
    lead_id   bigint      NOT NULL,
    author_id bigint      NOT NULL,
    body      text        NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE TABLE counters (
    tenant_id uuid   NOT NULL,
    name      text   NOT NULL,
    n         bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, name)
);
