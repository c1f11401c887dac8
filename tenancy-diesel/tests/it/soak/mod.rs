//! Many tasks, many tenants, all isolations, random cancellation, through Diesel: no row of another tenant, no connection
//! lost, no transaction left open.
//!
//! `TENANCY_SOAK_STATEMENTS` sets how many pieces of work each driver gets; `cargo xtask soak` sends a million in all.

mod asynchronous;
mod postgres;
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tenancy_core::{ServerName, Tenant, TenantContext};
use tenancy_diesel::{AsyncTenantPool, Budget, BudgetStats, PgServer, TenantDb, TenantPool};
use tenancy_testkit::fixture::{FixtureDb, ManyTenants};

use crate::matrix::world::{at_rest, cancelled_after, prefix};
use crate::places::{pg_server, sqlite_server};

/// Pieces of work per driver in a plain `cargo test`.
const STATEMENTS: u64 = 1_000;
const TENANTS: usize = 50;
const TASKS: usize = 48;

/// Smaller than the tasks are many, so that they wait for each other; generous, because the machine is busy.
fn budget() -> Budget {
    Budget::new(24)
        .acquire_timeout(Duration::from_secs(300))
        .connect_timeout(Duration::from_secs(60))
}

fn statements() -> u64 {
    std::env::var("TENANCY_SOAK_STATEMENTS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(STATEMENTS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_traffic() {
    let tenants = ManyTenants::sqlite(TENANTS).build().await.unwrap();
    let first = &tenants.tenants[0];
    let server = sqlite_server(first, &tenants.file_of(first));
    let pool = sync_pool(&tenants, server);
    let (one, pools) = (sqlite::traffic::one, pool.clone());
    run("Diesel on SQLite", &tenants, one, pool, move || {
        pools.stats()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_traffic() {
    let tenants = ManyTenants::postgres(TENANTS).build().await.unwrap();
    let pool = sync_pool(&tenants, server(&tenants));
    let (one, pools) = (postgres::traffic::one, pool.clone());
    run("Diesel on PostgreSQL", &tenants, one, pool.clone(), {
        move || pools.stats()
    })
    .await;
    pool.close().await;
    assert_eq!(tenants.open_transactions().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_traffic() {
    let tenants = ManyTenants::postgres(TENANTS).build().await.unwrap();
    let pool = AsyncTenantPool::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), server(&tenants))
        .budget(budget())
        .build()
        .unwrap();
    let pools = pool.clone();
    run(
        "diesel-async",
        &tenants,
        asynchronous::one,
        pool.clone(),
        move || pools.stats(),
    )
    .await;
    pool.close().await;
    none_stays_open(&tenants).await;
}

/// The end of a transaction that read is sent and not waited for, so a busy server may not have come to it yet.
async fn none_stays_open(tenants: &ManyTenants<sqlx::Postgres>) {
    for _ in 0..500 {
        if tenants.open_transactions().await.unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a transaction stays open");
}

fn server(tenants: &ManyTenants<sqlx::Postgres>) -> PgServer {
    pg_server(&tenants.app_options(), &tenants.admin_options())
}

fn sync_pool<C: TenantDb>(
    tenants: &ManyTenants<impl FixtureDb>,
    server: C::Server,
) -> TenantPool<C> {
    TenantPool::builder(tenants.pool.catalog().clone())
        .server(ServerName::default(), server)
        .budget(budget())
        .build()
        .unwrap()
}

/// What one piece of work does, and to which row.
#[derive(Clone, Copy, Debug)]
struct Piece {
    kind: u32,
    id: i64,
}

impl Piece {
    /// How many kinds there are.
    const KINDS: u32 = 8;
    /// Looks at all rows; not one of those.
    const ALL_ROWS: u32 = Self::KINDS;
}

/// Gives pieces of work to all tasks until there were enough; then each tenant has its own six rows.
async fn run<P, F>(
    driver: &str,
    tenants: &ManyTenants<impl FixtureDb>,
    one: impl Fn(P, TenantContext, Piece) -> F + Clone + Send + 'static,
    pool: P,
    stats: impl Fn() -> BudgetStats,
) where
    P: Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let statements = statements();
    let sent = Arc::new(AtomicU64::new(0));
    let mut all = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let (pool, list, one) = (pool.clone(), tenants.tenants.clone(), one.clone());
        let sent = Arc::clone(&sent);
        all.spawn(async move {
            // A fixed seed: what a task asks for can be asked again. The interleaving is the machine's.
            let mut random = StdRng::seed_from_u64(task as u64);
            let mut cancelled = 0_u64;
            while sent.fetch_add(1, Ordering::Relaxed) < statements {
                let cx = TenantContext::for_test(Arc::clone(pick(&list, &mut random)));
                let piece = Piece {
                    kind: random.random_range(0..Piece::KINDS),
                    id: random.random_range(1..=6),
                };
                let work = one(pool.clone(), cx, piece);
                if random.random_range(0..10) == 0 {
                    let done = cancelled_after(random.random_range(0..6), work).await;
                    cancelled += u64::from(done.is_none());
                } else {
                    work.await;
                }
            }
            cancelled
        });
    }
    let watch = tokio::spawn(progress(Arc::clone(&sent), statements));
    let mut cancelled = 0;
    while let Some(task) = all.join_next().await {
        cancelled += task.expect("no task saw a row of another tenant");
    }
    watch.abort();
    at_rest(&stats).await;
    for tenant in &tenants.tenants {
        let cx = TenantContext::for_test(Arc::clone(tenant));
        let kind = Piece::ALL_ROWS;
        one(pool.clone(), cx, Piece { kind, id: 0 }).await;
    }
    println!(
        "soak: {driver}: {statements} pieces of work of {} tenants from {TASKS} tasks, {cancelled} cancelled midway, 0 leaks",
        tenants.tenants.len()
    );
}

fn pick<'a>(list: &'a [Arc<Tenant>], random: &mut StdRng) -> &'a Arc<Tenant> {
    &list[random.random_range(0..list.len())]
}

/// A line every few seconds.
async fn progress(sent: Arc<AtomicU64>, statements: u64) {
    loop {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let sent = sent.load(Ordering::Relaxed).min(statements);
        println!("soak: {sent} of {statements}");
    }
}

/// What the fixture gave a tenant, and what every piece of work leaves.
fn own_rows(cx: &TenantContext) -> Vec<(i64, String)> {
    (1..=6)
        .map(|id| (id, format!("{}lead {id}", prefix(cx))))
        .collect()
}
