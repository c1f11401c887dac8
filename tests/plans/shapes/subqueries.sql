-- Subqueries in every position, and common table expressions.

-- exists ()
SELECT l.id FROM leads l WHERE EXISTS (SELECT 1 FROM notes n WHERE n.lead_id = l.id AND n.at > '2025-01-01');
SELECT l.id FROM leads l WHERE l.tenant_id = :tenant AND EXISTS (SELECT 1 FROM notes n WHERE n.tenant_id = :tenant AND n.lead_id = l.id AND n.at > '2025-01-01');

-- not exists ()
SELECT l.id FROM leads l WHERE NOT EXISTS (SELECT FROM contacts c WHERE c.lead_id = l.id AND c.is_primary);
SELECT l.id FROM leads l WHERE l.tenant_id = :tenant AND NOT EXISTS (SELECT FROM contacts c WHERE c.tenant_id = :tenant AND c.lead_id = l.id AND c.is_primary);

-- in ('%7@%')
SELECT id FROM leads WHERE id IN (SELECT lead_id FROM contacts WHERE email LIKE $1);
SELECT id FROM leads WHERE tenant_id = :tenant AND id IN (SELECT lead_id FROM contacts WHERE tenant_id = :tenant AND email LIKE $1);

-- not in ()
SELECT id FROM users WHERE id NOT IN (SELECT owner_id FROM leads WHERE owner_id IS NOT NULL);
SELECT id FROM users WHERE tenant_id = :tenant AND id NOT IN (SELECT owner_id FROM leads WHERE tenant_id = :tenant AND owner_id IS NOT NULL);

-- in a limited list ()
SELECT name FROM users WHERE id IN (SELECT owner_id FROM leads ORDER BY value DESC LIMIT 10);
SELECT name FROM users WHERE tenant_id = :tenant AND id IN (SELECT owner_id FROM leads WHERE tenant_id = :tenant ORDER BY value DESC LIMIT 10);

-- equal to a subquery ()
SELECT id, name FROM leads WHERE value = (SELECT max(value) FROM leads WHERE status = 'won');
SELECT id, name FROM leads WHERE tenant_id = :tenant AND value = (SELECT max(value) FROM leads WHERE tenant_id = :tenant AND status = 'won');

-- greater than all ()
SELECT id FROM leads WHERE value > ALL (SELECT value FROM leads WHERE status = 'lost');
SELECT id FROM leads WHERE tenant_id = :tenant AND value > ALL (SELECT value FROM leads WHERE tenant_id = :tenant AND status = 'lost');

-- scalar of each row (20)
SELECT l.id, (SELECT count(*) FROM contacts c WHERE c.lead_id = l.id) AS contacts FROM leads l ORDER BY l.created_at DESC LIMIT $1;
SELECT l.id, (SELECT count(*) FROM contacts c WHERE c.tenant_id = :tenant AND c.lead_id = l.id) AS contacts FROM leads l WHERE l.tenant_id = :tenant ORDER BY l.created_at DESC LIMIT $1;

-- array of each row (17)
SELECT u.name, ARRAY(SELECT l.name FROM leads l WHERE l.owner_id = u.id ORDER BY l.name) FROM users u WHERE u.id = $1;
SELECT u.name, ARRAY(SELECT l.name FROM leads l WHERE l.tenant_id = :tenant AND l.owner_id = u.id ORDER BY l.name) FROM users u WHERE u.tenant_id = :tenant AND u.id = $1;

-- two totals ()
SELECT (SELECT count(*) FROM leads) AS leads, (SELECT count(*) FROM contacts) AS contacts;
SELECT (SELECT count(*) FROM leads WHERE tenant_id = :tenant) AS leads, (SELECT count(*) FROM contacts WHERE tenant_id = :tenant) AS contacts;

-- subquery of a subquery ()
SELECT id FROM users u WHERE EXISTS (SELECT 1 FROM leads l WHERE l.owner_id = u.id AND NOT EXISTS (SELECT 1 FROM notes n WHERE n.lead_id = l.id));
SELECT id FROM users u WHERE u.tenant_id = :tenant AND EXISTS (SELECT 1 FROM leads l WHERE l.tenant_id = :tenant AND l.owner_id = u.id AND NOT EXISTS (SELECT 1 FROM notes n WHERE n.tenant_id = :tenant AND n.lead_id = l.id));

-- subquery in the order (10)
SELECT u.id FROM users u ORDER BY (SELECT sum(value) FROM leads WHERE owner_id = u.id) DESC NULLS LAST LIMIT $1;
SELECT u.id FROM users u WHERE u.tenant_id = :tenant ORDER BY (SELECT sum(value) FROM leads WHERE tenant_id = :tenant AND owner_id = u.id) DESC NULLS LAST LIMIT $1;

-- derived totals ()
SELECT u.name, t.worth FROM users u JOIN (SELECT owner_id, sum(value) AS worth FROM leads GROUP BY owner_id) t ON t.owner_id = u.id;
SELECT u.name, t.worth FROM users u JOIN (SELECT owner_id, sum(value) AS worth FROM leads WHERE tenant_id = :tenant GROUP BY owner_id) t ON t.owner_id = u.id WHERE u.tenant_id = :tenant;

-- cte inlined (17)
WITH won AS (SELECT * FROM leads WHERE status = 'won') SELECT id FROM won WHERE owner_id = $1;
WITH won AS (SELECT * FROM leads WHERE tenant_id = :tenant AND status = 'won') SELECT id FROM won WHERE owner_id = $1;

-- cte materialized (17)
WITH won AS MATERIALIZED (SELECT * FROM leads WHERE status = 'won') SELECT id FROM won WHERE owner_id = $1;
WITH won AS MATERIALIZED (SELECT * FROM leads WHERE tenant_id = :tenant AND status = 'won') SELECT id FROM won WHERE owner_id = $1;

-- cte not materialized ()
WITH l AS NOT MATERIALIZED (SELECT * FROM leads) SELECT a.id FROM l a JOIN l b ON b.id = a.owner_id;
WITH l AS NOT MATERIALIZED (SELECT * FROM leads WHERE tenant_id = :tenant) SELECT a.id FROM l a JOIN l b ON b.id = a.owner_id;

-- cte read twice ()
WITH t AS (SELECT owner_id, sum(value) AS worth FROM leads GROUP BY owner_id) SELECT owner_id FROM t WHERE worth = (SELECT max(worth) FROM t);
WITH t AS (SELECT owner_id, sum(value) AS worth FROM leads WHERE tenant_id = :tenant GROUP BY owner_id) SELECT owner_id FROM t WHERE worth = (SELECT max(worth) FROM t);

-- cte recursive down (17)
WITH RECURSIVE team AS (SELECT id, name, 0 AS depth FROM users WHERE id = $1 UNION ALL SELECT u.id, u.name, t.depth + 1 FROM users u JOIN team t ON u.manager_id = t.id) SELECT * FROM team ORDER BY depth;
WITH RECURSIVE team AS (SELECT id, name, 0 AS depth FROM users WHERE tenant_id = :tenant AND id = $1 UNION ALL SELECT u.id, u.name, t.depth + 1 FROM users u JOIN team t ON u.manager_id = t.id WHERE u.tenant_id = :tenant) SELECT * FROM team ORDER BY depth;

-- cte recursive up (3817)
WITH RECURSIVE chain AS (SELECT id, manager_id FROM users WHERE id = $1 UNION SELECT u.id, u.manager_id FROM users u JOIN chain c ON u.id = c.manager_id) SELECT l.id FROM chain JOIN leads l ON l.owner_id = chain.id;
WITH RECURSIVE chain AS (SELECT id, manager_id FROM users WHERE tenant_id = :tenant AND id = $1 UNION SELECT u.id, u.manager_id FROM users u JOIN chain c ON u.id = c.manager_id WHERE u.tenant_id = :tenant) SELECT l.id FROM chain JOIN leads l ON l.owner_id = chain.id WHERE l.tenant_id = :tenant;

-- cte that changes rows (17)
WITH gone AS (DELETE FROM notes WHERE lead_id = $1 RETURNING id, body) SELECT g.id FROM gone g;
WITH gone AS (DELETE FROM notes WHERE tenant_id = :tenant AND lead_id = $1 RETURNING id, body) SELECT g.id FROM gone g;

-- cte that feeds a change ('open', 10)
WITH chosen AS (SELECT id FROM leads WHERE status = $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) UPDATE leads SET status = 'contacted' FROM chosen WHERE leads.id = chosen.id RETURNING leads.id;
WITH chosen AS (SELECT id FROM leads WHERE tenant_id = :tenant AND status = $1 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED) UPDATE leads SET status = 'contacted' FROM chosen WHERE leads.tenant_id = :tenant AND leads.id = chosen.id RETURNING leads.id;
