-- Rows of 200 tenants, the last of which has twenty times as many as any other. `:leads` is how many leads there are.
INSERT INTO countries SELECT 'c' || n, 'Country ' || n FROM generate_series(1, 40) AS n;
INSERT INTO countries VALUES ('de', 'Germany');

-- Twenty users each; every three have the same manager.
INSERT INTO users
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n % 200), 12, '0'))::uuid, n, 'User ' || n, 'user' || n || '@example.com',
       CASE n / 200 WHEN 0 THEN 'owner' ELSE 'seller' END,
       CASE WHEN n >= 200 THEN n % 200 + 200 * ((n / 200 - 1) / 3) END
FROM generate_series(0, 3999) AS n;

INSERT INTO leads
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(t), 12, '0'))::uuid, n, 'Lead ' || n, 'lead' || n || '@example.com',
       (ARRAY['open', 'open', 'contacted', 'qualified', 'won', 'lost', 'lost'])[1 + (n / 220) % 7],
       (n * 7919) % 100000, t + 200 * ((n / 220) % 20), 'c' || 1 + n % 40, ARRAY['tag' || n % 5, 'tag' || n % 7],
       jsonb_build_object('source', 'source' || n % 50, 'score', n % 100),
       timestamptz '2024-01-01' + n % 30011 * interval '20 minutes'
FROM (SELECT n, least(n % 220, 199) AS t FROM generate_series(1, :leads) AS n) AS numbers;

INSERT INTO contacts
SELECT tenant_id, 2 * id + k, id, 'Contact ' || 2 * id + k, 'contact' || 2 * id + k || '@example.com', k = 0
FROM leads, generate_series(0, 1) AS k;

INSERT INTO notes
SELECT tenant_id, 3 * id + k, id, owner_id, 'Note ' || 3 * id + k, created_at + k * interval '1 day'
FROM leads, generate_series(0, id % 3) AS k;

INSERT INTO counters SELECT DISTINCT tenant_id, 'counter' || n, n FROM users, generate_series(1, 20) AS n;
