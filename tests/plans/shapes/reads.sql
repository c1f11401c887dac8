-- One table: points, lists, pages, counts and conditions of every kind.

-- point (17)
SELECT * FROM leads WHERE id = $1;
SELECT * FROM leads WHERE tenant_id = :tenant AND id = $1;

-- point by another key ('user17@example.com')
SELECT id, name, role FROM users WHERE email = $1;
SELECT id, name, role FROM users WHERE tenant_id = :tenant AND email = $1;

-- some points ('{17,237,457}')
SELECT id, name FROM leads WHERE id = ANY($1::bigint[]);
SELECT id, name FROM leads WHERE tenant_id = :tenant AND id = ANY($1::bigint[]);

-- points in a list (17, 237, 457)
SELECT id, name FROM leads WHERE id IN ($1, $2, $3);
SELECT id, name FROM leads WHERE tenant_id = :tenant AND id IN ($1, $2, $3);

-- everything ()
SELECT * FROM leads;
SELECT * FROM leads WHERE tenant_id = :tenant;

-- newest first ()
SELECT id, name FROM leads ORDER BY created_at DESC, id DESC LIMIT 20;
SELECT id, name FROM leads WHERE tenant_id = :tenant ORDER BY created_at DESC, id DESC LIMIT 20;

-- newest of a status (20, 'open')
SELECT id, name FROM leads WHERE status = $2 ORDER BY created_at DESC LIMIT $1;
SELECT id, name FROM leads WHERE tenant_id = :tenant AND status = $2 ORDER BY created_at DESC LIMIT $1;

-- page by number (25, 50)
SELECT id, name FROM leads ORDER BY lower(name), id LIMIT $1 OFFSET $2;
SELECT id, name FROM leads WHERE tenant_id = :tenant ORDER BY lower(name), id LIMIT $1 OFFSET $2;

-- page by key ('2024-06-01', 5000)
SELECT id, name, created_at FROM leads WHERE (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT 20;
SELECT id, name, created_at FROM leads WHERE tenant_id = :tenant AND (created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT 20;

-- first rows with ties ()
SELECT id, value FROM leads WHERE status = 'open' ORDER BY value FETCH FIRST 5 ROWS WITH TIES;
SELECT id, value FROM leads WHERE tenant_id = :tenant AND status = 'open' ORDER BY value FETCH FIRST 5 ROWS WITH TIES;

-- count ()
SELECT count(*) FROM leads;
SELECT count(*) FROM leads WHERE tenant_id = :tenant;

-- count some ('won')
SELECT count(*), sum(value) FILTER (WHERE value > 100) FROM leads WHERE status = $1;
SELECT count(*), sum(value) FILTER (WHERE value > 100) FROM leads WHERE tenant_id = :tenant AND status = $1;

-- greatest and least ()
SELECT max(created_at), min(created_at) FROM leads;
SELECT max(created_at), min(created_at) FROM leads WHERE tenant_id = :tenant;

-- partial index (90000)
SELECT id FROM leads WHERE status = 'open' AND value > $1 ORDER BY value LIMIT 10;
SELECT id FROM leads WHERE tenant_id = :tenant AND status = 'open' AND value > $1 ORDER BY value LIMIT 10;

-- index of an expression ('lead 17')
SELECT id FROM leads WHERE lower(name) = $1;
SELECT id FROM leads WHERE tenant_id = :tenant AND lower(name) = $1;

-- only from the index ()
SELECT created_at, id FROM leads WHERE created_at >= '2024-03-01' ORDER BY created_at LIMIT 100;
SELECT created_at, id FROM leads WHERE tenant_id = :tenant AND created_at >= '2024-03-01' ORDER BY created_at LIMIT 100;

-- either of two (17, 'lead17@example.com')
SELECT id, name FROM leads WHERE id = $1 OR email = $2;
SELECT id, name FROM leads WHERE tenant_id = :tenant AND (id = $1 OR email = $2);

-- optional conditions ('', '%7%')
SELECT id, name FROM leads WHERE ($1 = '' OR status = $1) AND ($2 = '' OR name LIKE $2) ORDER BY created_at LIMIT 20;
SELECT id, name FROM leads WHERE tenant_id = :tenant AND ($1 = '' OR status = $1) AND ($2 = '' OR name LIKE $2) ORDER BY created_at LIMIT 20;

-- free text ('%17%')
SELECT id, name FROM leads WHERE name ILIKE $1 OR email ILIKE $1;
SELECT id, name FROM leads WHERE tenant_id = :tenant AND (name ILIKE $1 OR email ILIKE $1);

-- range of time ('2024-02-01', '2024-03-01')
SELECT id FROM leads WHERE created_at BETWEEN $1 AND $2;
SELECT id FROM leads WHERE tenant_id = :tenant AND created_at BETWEEN $1 AND $2;

-- nobody's ()
SELECT id FROM leads WHERE owner_id IS NULL;
SELECT id FROM leads WHERE tenant_id = :tenant AND owner_id IS NULL;

-- json contains ('{"source": "source7"}')
SELECT id FROM leads WHERE data @> $1;
SELECT id FROM leads WHERE tenant_id = :tenant AND data @> $1;

-- json field ('source7')
SELECT id, data ->> 'score' FROM leads WHERE data ->> 'source' = $1 AND status = 'won';
SELECT id, data ->> 'score' FROM leads WHERE tenant_id = :tenant AND data ->> 'source' = $1 AND status = 'won';

-- array holds ('tag3')
SELECT id FROM leads WHERE $1 = ANY(tags);
SELECT id FROM leads WHERE tenant_id = :tenant AND $1 = ANY(tags);

-- expressions ()
SELECT upper(name), CASE WHEN value > 100 THEN 'big' ELSE 'small' END, coalesce(owner_id, 0), created_at::date FROM leads WHERE value % 2 = 0;
SELECT upper(name), CASE WHEN value > 100 THEN 'big' ELSE 'small' END, coalesce(owner_id, 0), created_at::date FROM leads WHERE tenant_id = :tenant AND value % 2 = 0;

-- what never holds ()
SELECT id FROM leads WHERE 1 = 0;
SELECT id FROM leads WHERE tenant_id = :tenant AND 1 = 0;

-- a sample ()
SELECT id FROM leads TABLESAMPLE SYSTEM (10) REPEATABLE (42) WHERE status = 'open';
SELECT id FROM leads TABLESAMPLE SYSTEM (10) REPEATABLE (42) WHERE tenant_id = :tenant AND status = 'open';

-- whole rows as json (17)
SELECT to_jsonb(l) FROM leads l WHERE l.id = $1;
SELECT to_jsonb(l) FROM leads l WHERE l.tenant_id = :tenant AND l.id = $1;

-- derived table (100)
SELECT big.id FROM (SELECT id, value FROM leads WHERE value > $1) AS big ORDER BY big.value LIMIT 5;
SELECT big.id FROM (SELECT id, value FROM leads WHERE tenant_id = :tenant AND value > $1) AS big ORDER BY big.value LIMIT 5;

-- lock a row (17)
SELECT * FROM leads WHERE id = $1 FOR UPDATE;
SELECT * FROM leads WHERE tenant_id = :tenant AND id = $1 FOR UPDATE;

-- take work from a queue ()
SELECT id FROM leads WHERE status = 'open' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED;
SELECT id FROM leads WHERE tenant_id = :tenant AND status = 'open' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED;

-- lock for reading (17)
SELECT id FROM leads WHERE id = $1 FOR SHARE NOWAIT;
SELECT id FROM leads WHERE tenant_id = :tenant AND id = $1 FOR SHARE NOWAIT;

-- lock the key only (17)
SELECT id FROM leads WHERE id = $1 FOR NO KEY UPDATE;
SELECT id FROM leads WHERE tenant_id = :tenant AND id = $1 FOR NO KEY UPDATE;

-- whole rows of a join (17)
SELECT l, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.id = $1;
SELECT l, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.tenant_id = :tenant AND c.tenant_id = :tenant AND l.id = $1;

-- row numbers of a join (17)
SELECT l.ctid, l.xmin FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE c.id = $1 ORDER BY l.ctid;
SELECT l.ctid, l.xmin FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.tenant_id = :tenant AND c.tenant_id = :tenant AND c.id = $1 ORDER BY l.ctid;
