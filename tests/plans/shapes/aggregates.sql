-- Groups, windows and set operations.

-- group by ()
SELECT status, count(*), sum(value) FROM leads GROUP BY status;
SELECT status, count(*), sum(value) FROM leads WHERE tenant_id = :tenant GROUP BY status;

-- group by with having (3)
SELECT owner_id, count(*) AS n FROM leads WHERE status <> 'lost' GROUP BY owner_id HAVING count(*) > $1 ORDER BY n DESC, owner_id;
SELECT owner_id, count(*) AS n FROM leads WHERE tenant_id = :tenant AND status <> 'lost' GROUP BY owner_id HAVING count(*) > $1 ORDER BY n DESC, owner_id;

-- group by an expression ()
SELECT date_trunc('month', created_at) AS month, count(*) FROM leads GROUP BY 1 ORDER BY 1;
SELECT date_trunc('month', created_at) AS month, count(*) FROM leads WHERE tenant_id = :tenant GROUP BY 1 ORDER BY 1;

-- group by over a join ()
SELECT u.id, u.name, count(l.id) AS n FROM users u LEFT JOIN leads l ON l.owner_id = u.id GROUP BY u.id, u.name ORDER BY lower(u.name);
SELECT u.id, u.name, count(l.id) AS n FROM users u LEFT JOIN leads l ON l.tenant_id = :tenant AND l.owner_id = u.id WHERE u.tenant_id = :tenant GROUP BY u.id, u.name ORDER BY lower(u.name);

-- group by the key alone ()
SELECT u.id, u.name, u.email, count(*) FROM users u JOIN leads l ON l.owner_id = u.id GROUP BY u.id;
SELECT u.id, u.name, u.email, count(*) FROM users u JOIN leads l ON l.owner_id = u.id WHERE u.tenant_id = :tenant AND l.tenant_id = :tenant GROUP BY u.id, u.tenant_id;

-- rollup ()
SELECT status, owner_id, sum(value), grouping(status) FROM leads GROUP BY ROLLUP (status, owner_id);
SELECT status, owner_id, sum(value), grouping(status) FROM leads WHERE tenant_id = :tenant GROUP BY ROLLUP (status, owner_id);

-- cube ()
SELECT status, country, count(*) FROM leads GROUP BY CUBE (status, country);
SELECT status, country, count(*) FROM leads WHERE tenant_id = :tenant GROUP BY CUBE (status, country);

-- grouping sets ()
SELECT status, country, count(*) FROM leads GROUP BY GROUPING SETS ((status), (country), ());
SELECT status, country, count(*) FROM leads WHERE tenant_id = :tenant GROUP BY GROUPING SETS ((status), (country), ());

-- ordered aggregates ()
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value), string_agg(name, ', ' ORDER BY id) FROM leads WHERE status = 'won';
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value), string_agg(name, ', ' ORDER BY id) FROM leads WHERE tenant_id = :tenant AND status = 'won';

-- json of rows ()
SELECT jsonb_agg(jsonb_build_object('id', id, 'name', name) ORDER BY id) FROM users;
SELECT jsonb_agg(jsonb_build_object('id', id, 'name', name) ORDER BY id) FROM users WHERE tenant_id = :tenant;

-- distinct ()
SELECT DISTINCT status FROM leads;
SELECT DISTINCT status FROM leads WHERE tenant_id = :tenant;

-- distinct on ()
SELECT DISTINCT ON (owner_id) owner_id, id, value FROM leads ORDER BY owner_id, created_at DESC;
SELECT DISTINCT ON (owner_id) owner_id, id, value FROM leads WHERE tenant_id = :tenant ORDER BY owner_id, created_at DESC;

-- count distinct ()
SELECT count(DISTINCT owner_id) FROM leads WHERE status = 'won';
SELECT count(DISTINCT owner_id) FROM leads WHERE tenant_id = :tenant AND status = 'won';

-- window ()
SELECT id, row_number() OVER (PARTITION BY status ORDER BY created_at DESC) AS place FROM leads;
SELECT id, row_number() OVER (PARTITION BY status ORDER BY created_at DESC) AS place FROM leads WHERE tenant_id = :tenant;

-- first of each by a window (3)
SELECT id, status FROM (SELECT id, status, row_number() OVER (PARTITION BY status ORDER BY value DESC) AS place FROM leads) ranked WHERE place <= $1;
SELECT id, status FROM (SELECT id, status, row_number() OVER (PARTITION BY status ORDER BY value DESC) AS place FROM leads WHERE tenant_id = :tenant) ranked WHERE place <= $1;

-- running sum ()
SELECT id, sum(value) OVER w AS running, lag(value, 1, 0::bigint) OVER w FROM leads WINDOW w AS (PARTITION BY owner_id ORDER BY created_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);
SELECT id, sum(value) OVER w AS running, lag(value, 1, 0::bigint) OVER w FROM leads WHERE tenant_id = :tenant WINDOW w AS (PARTITION BY owner_id ORDER BY created_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW);

-- window over groups ()
SELECT status, count(*) AS n, rank() OVER (ORDER BY count(*) DESC) FROM leads GROUP BY status;
SELECT status, count(*) AS n, rank() OVER (ORDER BY count(*) DESC) FROM leads WHERE tenant_id = :tenant GROUP BY status;

-- union ()
SELECT email FROM users UNION SELECT email FROM contacts ORDER BY 1;
SELECT email FROM users WHERE tenant_id = :tenant UNION SELECT email FROM contacts WHERE tenant_id = :tenant ORDER BY 1;

-- union all with a limit ()
SELECT id, created_at AS at FROM leads UNION ALL SELECT id, at FROM notes ORDER BY at DESC LIMIT 20;
SELECT id, created_at AS at FROM leads WHERE tenant_id = :tenant UNION ALL SELECT id, at FROM notes WHERE tenant_id = :tenant ORDER BY at DESC LIMIT 20;

-- union all of limited sides ()
(SELECT id, name FROM leads ORDER BY created_at DESC LIMIT 5) UNION ALL (SELECT id, name FROM users ORDER BY id LIMIT 5);
(SELECT id, name FROM leads WHERE tenant_id = :tenant ORDER BY created_at DESC LIMIT 5) UNION ALL (SELECT id, name FROM users WHERE tenant_id = :tenant ORDER BY id LIMIT 5);

-- condition on a union (17)
SELECT id FROM (SELECT lead_id, id FROM contacts UNION ALL SELECT lead_id, id FROM notes) AS everything WHERE lead_id = $1;
SELECT id FROM (SELECT lead_id, id FROM contacts WHERE tenant_id = :tenant UNION ALL SELECT lead_id, id FROM notes WHERE tenant_id = :tenant) AS everything WHERE lead_id = $1;

-- except ()
SELECT id FROM users EXCEPT SELECT owner_id FROM leads;
SELECT id FROM users WHERE tenant_id = :tenant EXCEPT SELECT owner_id FROM leads WHERE tenant_id = :tenant;

-- intersect ()
SELECT id FROM users INTERSECT SELECT manager_id FROM users;
SELECT id FROM users WHERE tenant_id = :tenant INTERSECT SELECT manager_id FROM users WHERE tenant_id = :tenant;

-- a whole table by name ()
TABLE users;
SELECT * FROM users WHERE tenant_id = :tenant;

-- group by the key and look at nothing else (17)
SELECT l.id, count(*) FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.owner_id = $1 GROUP BY l.id HAVING count(*) > 1 ORDER BY l.id;
SELECT l.id, count(*) FROM leads l JOIN contacts c ON c.lead_id = l.id WHERE l.tenant_id = :tenant AND c.tenant_id = :tenant AND l.owner_id = $1 GROUP BY l.id HAVING count(*) > 1 ORDER BY l.id;
