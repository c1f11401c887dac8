//! Many tasks, many tenants, all isolations, random cancellation: no row of another tenant, no connection lost, no
//! transaction left open.
//!
//! `TENANCY_SOAK_STATEMENTS` sets how many statements each database is sent; `cargo xtask soak` sends a million in all.

mod postgres;
mod sqlite;

use tenancy_testkit::fixture::ManyTenants;

/// Statements per database in a plain `cargo test`.
const STATEMENTS: u64 = 5_000;
const TENANTS: usize = 200;
const TASKS: usize = 64;

fn statements() -> u64 {
    std::env::var("TENANCY_SOAK_STATEMENTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(STATEMENTS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_traffic() {
    let tenants = ManyTenants::postgres(TENANTS).build().await.unwrap();
    let pool = tenants.pool.clone();
    postgres::traffic::run(&tenants, TASKS, statements()).await;
    pool.close().await;
    assert_eq!(tenants.open_transactions().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_traffic() {
    let tenants = ManyTenants::sqlite(TENANTS).build().await.unwrap();
    sqlite::traffic::run(&tenants, TASKS, statements()).await;
    tenants.pool.close().await;
}
