-- What a team wants to win in a month, in whole euros. Setting it again replaces it.
CREATE TABLE goals (
    tenant_id uuid   NOT NULL,
    month     text   NOT NULL,
    value     bigint NOT NULL,
    set_at    bigint NOT NULL,
    PRIMARY KEY (tenant_id, month)
);
