//! What the firewall costs: a statement it has seen, and one it has not.

use std::hint::black_box;

use tenancy_sql::{Catalog, Dialect, Firewall};

use crate::{Failure, runner::Runner};

const SEEN: &str = "firewall, statement seen before";
const FIRST: &str = "firewall, ten-line query for the first time";

const TABLES: &str = "
CREATE TABLE users (tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE TABLE leads (
    tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL, status text NOT NULL, value bigint,
    owner_id uuid, created_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id)
);
CREATE TABLE notes (
    tenant_id uuid NOT NULL, id uuid NOT NULL, lead_id uuid NOT NULL, body text NOT NULL,
    created_at timestamptz NOT NULL, PRIMARY KEY (tenant_id, id)
);
";

const QUERY: &str = "
SELECT l.id, l.name, l.status, u.name AS owner, count(n.id) AS notes,
       coalesce(sum(l.value) FILTER (WHERE l.status = 'won'), 0) AS won
FROM leads l
JOIN users u ON u.id = l.owner_id
LEFT JOIN notes n ON n.lead_id = l.id AND n.created_at > $1
WHERE l.status IN ('open', 'won', $2)
  AND (l.name ILIKE $3 OR EXISTS (SELECT 1 FROM notes x WHERE x.lead_id = l.id AND x.body ILIKE $3))
GROUP BY l.id, l.name, l.status, u.name
HAVING count(n.id) >= 0
ORDER BY won DESC, l.name LIMIT 50
";

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    if !runner.wants(SEEN) && !runner.wants(FIRST) {
        return Ok(());
    }
    let catalog = Catalog::builder(Dialect::Postgres)
        .migration("1.sql", TABLES)
        .build()?;
    let firewall = Firewall::new(catalog.clone());
    firewall.check(QUERY)?;
    runner
        .limit(SEEN, 100.0, async |times| {
            for _ in 0..times {
                black_box(firewall.check(black_box(QUERY))?);
            }
            Ok(())
        })
        .await?;
    let mut texts = 0_u64;
    runner
        .limit(FIRST, 250_000.0, async |times| {
            for _ in 0..times {
                // Another text each time, in all rounds: a comment behind it.
                texts += 1;
                let text = format!("{QUERY}-- {texts}");
                black_box(firewall.check(black_box(&text))?);
            }
            Ok(())
        })
        .await
}
