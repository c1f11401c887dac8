-- SELECT
SELECT id, name, email FROM users;
-- on postgres: Read, 0 values
SELECT id, name, email FROM (SELECT * FROM users WHERE users.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS users;
-- on sqlite: Read, 0 values
SELECT id, name, email FROM (SELECT * FROM users WHERE users.tenant_id = $1) AS users;

-- FIND
SELECT id, name, email FROM users WHERE email = $1;
-- on postgres: Read, 1 values
SELECT id, name, email FROM (SELECT * FROM users WHERE users.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS users WHERE email = $1;
-- on sqlite: Read, 1 values
SELECT id, name, email FROM (SELECT * FROM users WHERE users.tenant_id = $2) AS users WHERE email = $1;

-- COUNT
SELECT count(*) FROM users;
-- on postgres: Read, 0 values
SELECT count(*) FROM (SELECT * FROM users WHERE users.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS users;
-- on sqlite: Read, 0 values
SELECT count(*) FROM (SELECT * FROM users WHERE users.tenant_id = $1) AS users;

-- EXISTS
SELECT 1 FROM users WHERE email = $1;
-- on postgres: Read, 1 values
SELECT 1 FROM (SELECT * FROM users WHERE users.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS users WHERE email = $1;
-- on sqlite: Read, 1 values
SELECT 1 FROM (SELECT * FROM users WHERE users.tenant_id = $2) AS users WHERE email = $1;

-- UPSERT
INSERT INTO users (id, name, email) VALUES ($1, $2, $3) ON CONFLICT (email) DO UPDATE SET id = excluded.id, name = excluded.name;
-- on postgres: Write, 3 values
INSERT INTO users (id, name, email, tenant_id) VALUES ($1, $2, $3, $4::uuid) ON CONFLICT (tenant_id, email) DO UPDATE SET id = excluded.id, name = excluded.name WHERE users.tenant_id OPERATOR(pg_catalog.=) $4::uuid;
-- on sqlite: Write, 3 values
INSERT INTO users (id, name, email, tenant_id) VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, email) DO UPDATE SET id = excluded.id, name = excluded.name WHERE users.tenant_id = $4;

-- INSERT
INSERT INTO users (id, name, email) VALUES ($1, $2, $3);
-- on postgres: Write, 3 values
INSERT INTO users (id, name, email, tenant_id) VALUES ($1, $2, $3, $4::uuid);
-- on sqlite: Write, 3 values
INSERT INTO users (id, name, email, tenant_id) VALUES ($1, $2, $3, $4);

-- UPDATE
UPDATE users SET id = $2, name = $3 WHERE email = $1;
-- on postgres: Write, 3 values
UPDATE users SET id = $2, name = $3 WHERE (email = $1) AND users.tenant_id OPERATOR(pg_catalog.=) $4::uuid;
-- on sqlite: Write, 3 values
UPDATE users SET id = $2, name = $3 WHERE (email = $1) AND users.tenant_id = $4;

-- DELETE
DELETE FROM users WHERE email = $1;
-- on postgres: Write, 1 values
DELETE FROM users WHERE (email = $1) AND users.tenant_id OPERATOR(pg_catalog.=) $2::uuid;
-- on sqlite: Write, 1 values
DELETE FROM users WHERE (email = $1) AND users.tenant_id = $2;

