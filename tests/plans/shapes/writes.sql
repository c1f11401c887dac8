-- What changes rows: INSERT, upserts, UPDATE, DELETE.

-- insert a row (900001, 'Ada', 'ada@example.com')
INSERT INTO leads (id, name, email) VALUES ($1, $2, $3) RETURNING id;
INSERT INTO leads (tenant_id, id, name, email) VALUES (:tenant, $1, $2, $3) RETURNING id;

-- insert rows (900001, 900002)
INSERT INTO counters (name, n) VALUES ('a', $1), ('b', $2);
INSERT INTO counters (name, n, tenant_id) VALUES ('a', $1, :tenant), ('b', $2, :tenant);

-- insert from a query (17)
INSERT INTO notes (id, lead_id, author_id, body) SELECT l.id, l.id, l.owner_id, 'taken over' FROM leads l WHERE l.owner_id = $1;
INSERT INTO notes (id, lead_id, author_id, body, tenant_id) SELECT l.id, l.id, l.owner_id, 'taken over', :tenant FROM leads l WHERE l.tenant_id = :tenant AND l.owner_id = $1;

-- insert from groups ()
INSERT INTO counters (name, n) SELECT status, count(*) FROM leads GROUP BY status;
INSERT INTO counters (name, n, tenant_id) SELECT status, count(*), :tenant::uuid FROM leads WHERE tenant_id = :tenant GROUP BY status;

-- insert from arrays ('{a,b}', '{1,2}')
INSERT INTO counters (name, n) SELECT * FROM unnest($1::text[], $2::bigint[]);
INSERT INTO counters (name, n, tenant_id) SELECT *, :tenant FROM unnest($1::text[], $2::bigint[]);

-- insert with a subquery (900001, 'Ada', 'user17@example.com')
INSERT INTO leads (id, name, email, owner_id) VALUES ($1, $2, $3, (SELECT id FROM users WHERE email = $3));
INSERT INTO leads (tenant_id, id, name, email, owner_id) VALUES (:tenant, $1, $2, $3, (SELECT id FROM users WHERE tenant_id = :tenant AND email = $3));

-- insert unless there (900001)
INSERT INTO counters (name, n) VALUES ('a', $1) ON CONFLICT (name) DO NOTHING;
INSERT INTO counters (tenant_id, name, n) VALUES (:tenant, 'a', $1) ON CONFLICT (tenant_id, name) DO NOTHING;

-- upsert (1)
INSERT INTO counters AS c (name, n) VALUES ('a', $1) ON CONFLICT (name) DO UPDATE SET n = c.n + excluded.n RETURNING n;
INSERT INTO counters AS c (tenant_id, name, n) VALUES (:tenant, 'a', $1) ON CONFLICT (tenant_id, name) DO UPDATE SET n = c.n + excluded.n WHERE c.tenant_id = :tenant RETURNING n;

-- upsert with a condition (900001, 'Ada', 'user17@example.com')
INSERT INTO users (id, name, email) VALUES ($1, $2, $3) ON CONFLICT (email) DO UPDATE SET name = excluded.name WHERE users.role <> 'owner';
INSERT INTO users (tenant_id, id, name, email) VALUES (:tenant, $1, $2, $3) ON CONFLICT (tenant_id, email) DO UPDATE SET name = excluded.name WHERE users.role <> 'owner' AND users.tenant_id = :tenant;

-- update a row (17, 'won')
UPDATE leads SET status = $2 WHERE id = $1;
UPDATE leads SET status = $2 WHERE tenant_id = :tenant AND id = $1;

-- update some rows ('2024-02-01')
UPDATE leads SET status = 'lost', value = value / 2 WHERE status = 'open' AND created_at < $1 RETURNING id;
UPDATE leads SET status = 'lost', value = value / 2 WHERE tenant_id = :tenant AND status = 'open' AND created_at < $1 RETURNING id;

-- update all rows ()
UPDATE users SET role = 'seller';
UPDATE users SET role = 'seller' WHERE tenant_id = :tenant;

-- update from a table (17)
UPDATE notes n SET body = l.name FROM leads l WHERE n.lead_id = l.id AND l.id = $1;
UPDATE notes n SET body = l.name FROM leads l WHERE n.tenant_id = :tenant AND l.tenant_id = :tenant AND n.lead_id = l.id AND l.id = $1;

-- update from a derived table ()
UPDATE counters c SET n = t.n FROM (SELECT status, count(*) AS n FROM leads GROUP BY status) t WHERE c.name = t.status;
UPDATE counters c SET n = t.n FROM (SELECT status, count(*) AS n FROM leads WHERE tenant_id = :tenant GROUP BY status) t WHERE c.tenant_id = :tenant AND c.name = t.status;

-- update from values ()
UPDATE leads l SET value = v.value FROM (VALUES (17::bigint, 5::bigint), (237, 6)) AS v(id, value) WHERE l.id = v.id;
UPDATE leads l SET value = v.value FROM (VALUES (17::bigint, 5::bigint), (237, 6)) AS v(id, value) WHERE l.tenant_id = :tenant AND l.id = v.id;

-- update with a subquery (17)
UPDATE leads SET owner_id = (SELECT min(id) FROM users WHERE role = 'owner') WHERE owner_id = $1;
UPDATE leads SET owner_id = (SELECT min(id) FROM users WHERE tenant_id = :tenant AND role = 'owner') WHERE tenant_id = :tenant AND owner_id = $1;

-- update the first (10)
UPDATE leads SET status = 'contacted' WHERE id IN (SELECT id FROM leads WHERE status = 'open' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id;
UPDATE leads SET status = 'contacted' WHERE tenant_id = :tenant AND id IN (SELECT id FROM leads WHERE tenant_id = :tenant AND status = 'open' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id;

-- update json (17, '"partner"')
UPDATE leads SET data = jsonb_set(data, '{source}', $2) WHERE id = $1 RETURNING data;
UPDATE leads SET data = jsonb_set(data, '{source}', $2) WHERE tenant_id = :tenant AND id = $1 RETURNING data;

-- delete a row (17)
DELETE FROM leads WHERE id = $1;
DELETE FROM leads WHERE tenant_id = :tenant AND id = $1;

-- delete some rows ()
DELETE FROM notes WHERE at < '2024-01-05' RETURNING id;
DELETE FROM notes WHERE tenant_id = :tenant AND at < '2024-01-05' RETURNING id;

-- delete using a table ('lost')
DELETE FROM notes n USING leads l WHERE n.lead_id = l.id AND l.status = $1;
DELETE FROM notes n USING leads l WHERE n.tenant_id = :tenant AND l.tenant_id = :tenant AND n.lead_id = l.id AND l.status = $1;

-- delete with a subquery ()
DELETE FROM contacts c WHERE NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = c.lead_id);
DELETE FROM contacts c WHERE c.tenant_id = :tenant AND NOT EXISTS (SELECT 1 FROM leads l WHERE l.tenant_id = :tenant AND l.id = c.lead_id);

-- delete the oldest (100)
DELETE FROM notes WHERE id IN (SELECT id FROM notes ORDER BY at LIMIT $1);
DELETE FROM notes WHERE tenant_id = :tenant AND id IN (SELECT id FROM notes WHERE tenant_id = :tenant ORDER BY at LIMIT $1);

-- delete doubles with itself ()
DELETE FROM contacts a USING contacts b WHERE a.email = b.email AND a.id > b.id;
DELETE FROM contacts a USING contacts b WHERE a.tenant_id = :tenant AND b.tenant_id = :tenant AND a.email = b.email AND a.id > b.id;

-- delete by row number (100)
DELETE FROM notes WHERE ctid = ANY (ARRAY(SELECT ctid FROM notes WHERE at < '2024-01-05' LIMIT $1));
DELETE FROM notes WHERE tenant_id = :tenant AND ctid = ANY (ARRAY(SELECT ctid FROM notes WHERE tenant_id = :tenant AND at < '2024-01-05' LIMIT $1));

-- delete by row number of a locked batch (100)
WITH batch AS (SELECT ctid FROM leads WHERE status = 'lost' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) DELETE FROM leads USING batch WHERE leads.ctid = batch.ctid RETURNING leads.id;
WITH batch AS (SELECT ctid FROM leads WHERE tenant_id = :tenant AND status = 'lost' ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) DELETE FROM leads USING batch WHERE leads.tenant_id = :tenant AND leads.ctid = batch.ctid RETURNING leads.id;

-- move rows ('2024-01-05')
WITH moved AS (DELETE FROM notes WHERE at < $1 RETURNING *) INSERT INTO notes SELECT * FROM moved ON CONFLICT DO NOTHING;
WITH moved AS (DELETE FROM notes WHERE tenant_id = :tenant AND at < $1 RETURNING *) INSERT INTO notes (id, lead_id, author_id, body, at, tenant_id) SELECT moved.id, moved.lead_id, moved.author_id, moved.body, moved.at, :tenant FROM moved ON CONFLICT DO NOTHING;

-- merge values ('a', 1)
MERGE INTO counters c USING (VALUES ($1::text, $2::bigint)) v (name, n) ON c.name = v.name WHEN MATCHED THEN UPDATE SET n = c.n + v.n WHEN NOT MATCHED THEN INSERT VALUES (v.name, v.n);
MERGE INTO counters c USING (VALUES ($1::text, $2::bigint)) v (name, n) ON c.tenant_id = :tenant AND c.name = v.name WHEN MATCHED THEN UPDATE SET n = c.n + v.n WHEN NOT MATCHED THEN INSERT (tenant_id, name, n) VALUES (:tenant, v.name, v.n);

-- merge a table ()
MERGE INTO counters c USING (SELECT status, count(*) AS n FROM leads GROUP BY status) s ON c.name = s.status WHEN MATCHED AND s.n = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED THEN INSERT (name, n) VALUES (s.status, s.n);
MERGE INTO counters c USING (SELECT status, count(*) AS n FROM leads WHERE tenant_id = :tenant GROUP BY status) s ON c.tenant_id = :tenant AND c.name = s.status WHEN MATCHED AND s.n = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED THEN INSERT (tenant_id, name, n) VALUES (:tenant, s.status, s.n);

-- merge only what is there ()
MERGE INTO notes n USING leads l ON n.lead_id = l.id WHEN MATCHED AND l.status = 'lost' THEN DELETE;
MERGE INTO notes n USING leads l ON n.tenant_id = :tenant AND l.tenant_id = :tenant AND n.lead_id = l.id WHEN MATCHED AND l.status = 'lost' THEN DELETE;
