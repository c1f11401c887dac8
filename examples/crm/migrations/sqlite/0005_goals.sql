-- What a team wants to win in a month, in whole euros. Setting it again replaces it.
CREATE TABLE goals (
    tenant_id BLOB    NOT NULL,
    month     TEXT    NOT NULL,
    value     INTEGER NOT NULL,
    set_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, month)
);
