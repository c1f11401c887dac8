//! Statements that the grammar fuzzer, the second parser or the coverage-guided fuzzer found, each with what it should become.

use tenancy_sql::Dialect::Postgres;

use crate::fixture::accepts;

#[test]
fn within_group_is_no_group_by() {
    accepts(
        Postgres,
        "SELECT l.name, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.amount) FROM leads l GROUP BY l.id",
        "SELECT l.name, percentile_cont(0.5) WITHIN GROUP (ORDER BY l.amount) FROM leads l WHERE [[l]] GROUP BY l.id, l.tenant_id",
    );
}
