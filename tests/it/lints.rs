//! The bans of `docs/lints/clippy.toml` are in force: each function below does what one forbids and expects the complaint.
//! A ban that no longer bites is an expectation that is not fulfilled, and fails `cargo clippy`.

#[expect(
    clippy::disallowed_methods,
    reason = "the ban on bare tasks is in force"
)]
fn bare_task() -> tokio::task::JoinHandle<()> {
    tokio::spawn(async {})
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban on bare blocking tasks is in force"
)]
fn bare_blocking_task() -> tokio::task::JoinHandle<()> {
    tokio::task::spawn_blocking(|| {})
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban on bare join sets is in force"
)]
fn bare_join_set() -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async {});
    tasks
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban on bare pools is in force"
)]
fn bare_pool() -> Result<sqlx::SqlitePool, sqlx::Error> {
    sqlx::SqlitePool::connect_lazy("sqlite::memory:")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban on bare pools is in force"
)]
fn bare_pool_of_options() -> Result<sqlx::SqlitePool, sqlx::Error> {
    sqlx::sqlite::SqlitePoolOptions::new().connect_lazy("sqlite::memory:")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the ban on bare transactions is in force"
)]
async fn bare_transaction(pool: &sqlx::SqlitePool) -> Result<(), sqlx::Error> {
    pool.begin().await?.rollback().await
}

/// They work, which is why they are banned: each is done without any tenant.
#[tokio::test]
async fn what_is_banned_would_run_without_a_tenant() {
    assert!(tenancy_core::TenantContext::current().is_err());
    bare_task().await.unwrap();
    bare_blocking_task().await.unwrap();
    assert_eq!(bare_join_set().join_all().await.len(), 1);
    bare_pool().unwrap().close().await;
    let pool = bare_pool_of_options().unwrap();
    bare_transaction(&pool).await.unwrap();
    pool.close().await;
}

/// The list that users copy has every ban that we obey ourselves.
#[test]
fn the_list_to_copy_is_complete() {
    let ours = include_str!("../../clippy.toml");
    let copied = include_str!("../../docs/lints/clippy.toml");
    let bans = ours.lines().filter(|line| {
        ["tokio::", "sqlx::", "diesel::", "diesel_async::"]
            .iter()
            .any(|of| line.contains(&format!("path = \"{of}")))
    });
    assert!(bans.clone().count() > 20);
    let missing: Vec<_> = bans.filter(|ban| !copied.contains(ban.trim())).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}
