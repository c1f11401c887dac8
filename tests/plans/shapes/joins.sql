-- Several tables: joins of every kind, with themselves, with functions, with tables of no tenant.

-- inner join (17)
SELECT l.id, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.id = $1;
SELECT l.id, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.tenant_id = :tenant AND c.tenant_id = :tenant AND l.id = $1;

-- inner join of many ('won')
SELECT l.id, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.status = $1;
SELECT l.id, c.name FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.tenant_id = :tenant AND c.tenant_id = :tenant AND l.status = $1;

-- tables with commas ()
SELECT l.id, u.name FROM leads l, users u WHERE u.id = l.owner_id AND l.value > 99000;
SELECT l.id, u.name FROM leads l, users u WHERE l.tenant_id = :tenant AND u.tenant_id = :tenant AND u.id = l.owner_id AND l.value > 99000;

-- left join ()
SELECT l.id, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id ORDER BY l.created_at DESC LIMIT 20;
SELECT l.id, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id AND u.tenant_id = :tenant WHERE l.tenant_id = :tenant ORDER BY l.created_at DESC LIMIT 20;

-- left join with a condition ()
SELECT l.id, c.email FROM leads AS l LEFT JOIN contacts AS c ON c.lead_id = l.id AND c.is_primary WHERE l.status = 'open';
SELECT l.id, c.email FROM leads AS l LEFT JOIN contacts AS c ON c.tenant_id = :tenant AND c.lead_id = l.id AND c.is_primary WHERE l.tenant_id = :tenant AND l.status = 'open';

-- right join ()
SELECT l.id, u.name FROM leads l RIGHT JOIN users u ON u.id = l.owner_id AND l.status = 'won';
SELECT l.id, u.name FROM leads l RIGHT JOIN users u ON u.id = l.owner_id AND l.tenant_id = :tenant AND l.status = 'won' WHERE u.tenant_id = :tenant;

-- full join ()
SELECT l.id, u.id FROM leads l FULL JOIN users u ON u.id = l.owner_id;
SELECT l.id, u.id FROM (SELECT * FROM leads WHERE tenant_id = :tenant) l FULL JOIN (SELECT * FROM users WHERE tenant_id = :tenant) u ON u.id = l.owner_id;

-- cross join (17, 217)
SELECT a.name, b.name FROM users a CROSS JOIN users b WHERE a.id = $1 AND b.id = $2;
SELECT a.name, b.name FROM users a CROSS JOIN users b WHERE a.tenant_id = :tenant AND b.tenant_id = :tenant AND a.id = $1 AND b.id = $2;

-- join using (17)
SELECT id, n.body FROM leads JOIN notes n USING (id) WHERE id = $1;
SELECT id, n.body FROM leads JOIN notes n USING (id) WHERE leads.tenant_id = :tenant AND n.tenant_id = :tenant AND id = $1;

-- join on the tenant too ()
SELECT l.id, u.name FROM leads l JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.owner_id WHERE l.status = 'won';
SELECT l.id, u.name FROM leads l JOIN users u ON u.tenant_id = l.tenant_id AND u.id = l.owner_id WHERE l.tenant_id = :tenant AND l.status = 'won';

-- three tables (17)
SELECT l.name, u.name, n.body FROM leads l JOIN users u ON u.id = l.owner_id JOIN notes n ON n.lead_id = l.id WHERE l.id = $1 ORDER BY n.at DESC;
SELECT l.name, u.name, n.body FROM leads l JOIN users u ON u.id = l.owner_id JOIN notes n ON n.lead_id = l.id WHERE l.tenant_id = :tenant AND u.tenant_id = :tenant AND n.tenant_id = :tenant AND l.id = $1 ORDER BY n.at DESC;

-- three tables, two of them optional ()
SELECT l.name, u.name, m.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id LEFT JOIN users m ON m.id = u.manager_id WHERE l.value > 99900;
SELECT l.name, u.name, m.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id AND u.tenant_id = :tenant LEFT JOIN users m ON m.id = u.manager_id AND m.tenant_id = :tenant WHERE l.tenant_id = :tenant AND l.value > 99900;

-- four tables ('user17@example.com')
SELECT u.name, l.name, c.email, n.body FROM users u JOIN leads l ON l.owner_id = u.id JOIN contacts c ON c.lead_id = l.id JOIN notes n ON n.lead_id = l.id WHERE u.email = $1;
SELECT u.name, l.name, c.email, n.body FROM users u JOIN leads l ON l.owner_id = u.id JOIN contacts c ON c.lead_id = l.id JOIN notes n ON n.lead_id = l.id WHERE u.tenant_id = :tenant AND l.tenant_id = :tenant AND c.tenant_id = :tenant AND n.tenant_id = :tenant AND u.email = $1;

-- joins in parentheses ()
SELECT l.id, n.body FROM leads l LEFT JOIN (notes n JOIN users u ON u.id = n.author_id) ON n.lead_id = l.id WHERE l.status = 'won';
SELECT l.id, n.body FROM leads l LEFT JOIN (notes n JOIN users u ON u.id = n.author_id AND u.tenant_id = :tenant) ON n.tenant_id = :tenant AND n.lead_id = l.id WHERE l.tenant_id = :tenant AND l.status = 'won';

-- a table with itself ()
SELECT u.name, m.name FROM users u JOIN users m ON m.id = u.manager_id;
SELECT u.name, m.name FROM users u JOIN users m ON m.id = u.manager_id WHERE u.tenant_id = :tenant AND m.tenant_id = :tenant;

-- the newest of each, by a join with itself ()
SELECT n.lead_id, n.body FROM notes n LEFT JOIN notes later ON later.lead_id = n.lead_id AND later.at > n.at WHERE later.id IS NULL;
SELECT n.lead_id, n.body FROM notes n LEFT JOIN notes later ON later.tenant_id = :tenant AND later.lead_id = n.lead_id AND later.at > n.at WHERE n.tenant_id = :tenant AND later.id IS NULL;

-- a join nobody reads ()
SELECT l.id, l.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id WHERE l.status = 'lost';
SELECT l.id, l.name FROM leads l LEFT JOIN users u ON u.tenant_id = :tenant AND u.id = l.owner_id WHERE l.tenant_id = :tenant AND l.status = 'lost';

-- a table of no tenant ('won')
SELECT l.id, k.name FROM leads l JOIN countries k ON k.code = l.country WHERE l.status = $1;
SELECT l.id, k.name FROM leads l JOIN countries k ON k.code = l.country WHERE l.tenant_id = :tenant AND l.status = $1;

-- first rows of each ()
SELECT u.name, l.name FROM users u CROSS JOIN LATERAL (SELECT name FROM leads WHERE owner_id = u.id ORDER BY created_at DESC LIMIT 3) l;
SELECT u.name, l.name FROM users u CROSS JOIN LATERAL (SELECT name FROM leads WHERE tenant_id = :tenant AND owner_id = u.id ORDER BY created_at DESC LIMIT 3) l WHERE u.tenant_id = :tenant;

-- first row of each, if any (50)
SELECT l.id, n.body FROM leads l LEFT JOIN LATERAL (SELECT body FROM notes n WHERE n.lead_id = l.id ORDER BY n.at DESC LIMIT 1) n ON true ORDER BY l.created_at DESC LIMIT $1;
SELECT l.id, n.body FROM leads l LEFT JOIN LATERAL (SELECT body FROM notes n WHERE n.tenant_id = :tenant AND n.lead_id = l.id ORDER BY n.at DESC LIMIT 1) n ON true WHERE l.tenant_id = :tenant ORDER BY l.created_at DESC LIMIT $1;

-- elements of an array (17)
SELECT l.id, t.tag FROM leads l LEFT JOIN LATERAL unnest(l.tags) WITH ORDINALITY AS t(tag, place) ON true WHERE l.id = $1;
SELECT l.id, t.tag FROM leads l LEFT JOIN LATERAL unnest(l.tags) WITH ORDINALITY AS t(tag, place) ON true WHERE l.tenant_id = :tenant AND l.id = $1;

-- days without leads ('2024-01-01', '2024-01-31')
SELECT day, count(l.id) FROM generate_series($1::timestamptz, $2::timestamptz, '1 day') AS day LEFT JOIN leads l ON l.created_at >= day AND l.created_at < day + interval '1 day' GROUP BY day ORDER BY day;
SELECT day, count(l.id) FROM generate_series($1::timestamptz, $2::timestamptz, '1 day') AS day LEFT JOIN leads l ON l.tenant_id = :tenant AND l.created_at >= day AND l.created_at < day + interval '1 day' GROUP BY day ORDER BY day;

-- a list of values ()
SELECT v.label, count(l.id) FROM (VALUES ('open', 'Open'), ('won', 'Won')) AS v(status, label) LEFT JOIN leads l ON l.status = v.status GROUP BY v.label;
SELECT v.label, count(l.id) FROM (VALUES ('open', 'Open'), ('won', 'Won')) AS v(status, label) LEFT JOIN leads l ON l.tenant_id = :tenant AND l.status = v.status GROUP BY v.label;

-- lock one side (17)
SELECT l.id, u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.id = $1 FOR UPDATE OF l;
SELECT l.id, u.name FROM leads l JOIN users u ON u.id = l.owner_id WHERE l.tenant_id = :tenant AND u.tenant_id = :tenant AND l.id = $1 FOR UPDATE OF l;

-- lock the side that is there (17)
SELECT l.id, u.name FROM leads l LEFT JOIN users u ON u.id = l.owner_id WHERE l.id = $1 FOR UPDATE OF l;
SELECT l.id, u.name FROM leads l LEFT JOIN users u ON u.tenant_id = :tenant AND u.id = l.owner_id WHERE l.tenant_id = :tenant AND l.id = $1 FOR UPDATE OF l;
