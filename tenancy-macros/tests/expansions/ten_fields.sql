-- SELECT
SELECT id, title, "order", status, owner_id, amount, details, created_at, search FROM deals;
-- on postgres: Read, 0 values
SELECT id, title, "order", status, owner_id, amount, details, created_at, search FROM (SELECT * FROM deals WHERE deals.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS deals;
-- on sqlite: Read, 0 values
SELECT id, title, "order", status, owner_id, amount, details, created_at, search FROM (SELECT * FROM deals WHERE deals.tenant_id = $1) AS deals;

-- FIND
SELECT id, title, "order", status, owner_id, amount, details, created_at, search FROM deals WHERE id = $1;
-- on postgres: Read, 1 values
SELECT id, title, "order", status, owner_id, amount, details, created_at, search FROM (SELECT * FROM deals WHERE deals.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS deals WHERE id = $1;
-- on sqlite: Read, 1 values
SELECT id, title, "order", status, owner_id, amount, details, created_at, search FROM (SELECT * FROM deals WHERE deals.tenant_id = $2) AS deals WHERE id = $1;

-- COUNT
SELECT count(*) FROM deals;
-- on postgres: Read, 0 values
SELECT count(*) FROM (SELECT * FROM deals WHERE deals.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS deals;
-- on sqlite: Read, 0 values
SELECT count(*) FROM (SELECT * FROM deals WHERE deals.tenant_id = $1) AS deals;

-- EXISTS
SELECT 1 FROM deals WHERE id = $1;
-- on postgres: Read, 1 values
SELECT 1 FROM (SELECT * FROM deals WHERE deals.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS deals WHERE id = $1;
-- on sqlite: Read, 1 values
SELECT 1 FROM (SELECT * FROM deals WHERE deals.tenant_id = $2) AS deals WHERE id = $1;

-- INSERT
INSERT INTO deals (title, "order", status, owner_id, amount, details) VALUES ($1, $2, $3, $4, $5, $6);
-- on postgres: Write, 6 values
INSERT INTO deals (title, "order", status, owner_id, amount, details, tenant_id) VALUES ($1, $2, $3, $4, $5, $6, $7::uuid);
-- on sqlite: Write, 6 values
INSERT INTO deals (title, "order", status, owner_id, amount, details, tenant_id) VALUES ($1, $2, $3, $4, $5, $6, $7);

-- UPDATE
UPDATE deals SET title = $2, "order" = $3, status = $4, owner_id = $5, amount = $6, details = $7 WHERE id = $1;
-- on postgres: Write, 7 values
UPDATE deals SET title = $2, "order" = $3, status = $4, owner_id = $5, amount = $6, details = $7 WHERE (id = $1) AND deals.tenant_id OPERATOR(pg_catalog.=) $8::uuid;
-- on sqlite: Write, 7 values
UPDATE deals SET title = $2, "order" = $3, status = $4, owner_id = $5, amount = $6, details = $7 WHERE (id = $1) AND deals.tenant_id = $8;

-- DELETE
DELETE FROM deals WHERE id = $1;
-- on postgres: Write, 1 values
DELETE FROM deals WHERE (id = $1) AND deals.tenant_id OPERATOR(pg_catalog.=) $2::uuid;
-- on sqlite: Write, 1 values
DELETE FROM deals WHERE (id = $1) AND deals.tenant_id = $2;

-- owner
SELECT deals.id, deals.title, deals."order", deals.status, deals.owner_id, deals.amount, deals.details, deals.created_at, deals.search, owner.* FROM deals JOIN users AS owner ON owner.id = deals.owner_id;
-- on postgres: Read, 0 values
SELECT deals.id, deals.title, deals."order", deals.status, deals.owner_id, deals.amount, deals.details, deals.created_at, deals.search, owner.* FROM (SELECT * FROM deals WHERE deals.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS deals JOIN (SELECT * FROM users WHERE users.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS owner ON owner.id = deals.owner_id;
-- on sqlite: Read, 0 values
SELECT deals.id, deals.title, deals."order", deals.status, deals.owner_id, deals.amount, deals.details, deals.created_at, deals.search, owner.* FROM (SELECT * FROM deals WHERE deals.tenant_id = $1) AS deals JOIN (SELECT * FROM users WHERE users.tenant_id = $1) AS owner ON owner.id = deals.owner_id;

