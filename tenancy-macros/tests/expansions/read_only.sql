-- SELECT
SELECT id, name FROM leads;
-- on postgres: Read, 0 values
SELECT id, name FROM (SELECT * FROM leads WHERE leads.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS leads;
-- on sqlite: Read, 0 values
SELECT id, name FROM (SELECT * FROM leads WHERE leads.tenant_id = $1) AS leads;

-- FIND
SELECT id, name FROM leads WHERE id = $1;
-- on postgres: Read, 1 values
SELECT id, name FROM (SELECT * FROM leads WHERE leads.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS leads WHERE id = $1;
-- on sqlite: Read, 1 values
SELECT id, name FROM (SELECT * FROM leads WHERE leads.tenant_id = $2) AS leads WHERE id = $1;

-- COUNT
SELECT count(*) FROM leads;
-- on postgres: Read, 0 values
SELECT count(*) FROM (SELECT * FROM leads WHERE leads.tenant_id OPERATOR(pg_catalog.=) $1::uuid) AS leads;
-- on sqlite: Read, 0 values
SELECT count(*) FROM (SELECT * FROM leads WHERE leads.tenant_id = $1) AS leads;

-- EXISTS
SELECT 1 FROM leads WHERE id = $1;
-- on postgres: Read, 1 values
SELECT 1 FROM (SELECT * FROM leads WHERE leads.tenant_id OPERATOR(pg_catalog.=) $2::uuid) AS leads WHERE id = $1;
-- on sqlite: Read, 1 values
SELECT 1 FROM (SELECT * FROM leads WHERE leads.tenant_id = $2) AS leads WHERE id = $1;

