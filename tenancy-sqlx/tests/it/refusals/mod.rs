//! Every door to a tenant's rows refuses without a tenant, for another tenant, for a suspended one, and to write for a
//! read-only one; and a door that was left halfway costs nobody a connection.
//!
//! A *door* is a way to send a statement; a *handle* is what has doors. All tests go through all doors of all handles, so
//! that a new one that forgets its checks fails here.

mod admission;
mod cancelled;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt as _;
use sqlx::{Executor, SqlSafeStr as _};
use tenancy_core::{
    Actor, CachedRegistry, ErrorKind, InMemoryRegistry, Isolation, RegistryEvent, RegistryExt as _,
    Tenant, TenantContext, TenantStatus,
};
use tenancy_sqlx::{Budget, Error, TenantPool, TenantTx};
use tenancy_testkit::fixture::{FixtureDb, TwoTenants};

/// Ways to send a statement: the methods of [`sqlx::Executor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Execute,
    ExecuteMany,
    Fetch,
    FetchMany,
    FetchAll,
    FetchOne,
    FetchOptional,
    Prepare,
    Describe,
}

const DOORS: [Door; 9] = [
    Door::Execute,
    Door::ExecuteMany,
    Door::Fetch,
    Door::FetchMany,
    Door::FetchAll,
    Door::FetchOne,
    Door::FetchOptional,
    Door::Prepare,
    Door::Describe,
];

impl Door {
    /// Whether the statement runs, or is only looked at.
    fn runs(self) -> bool {
        !matches!(self, Self::Prepare | Self::Describe)
    }
}

const READ: &str = "SELECT id, name FROM leads";
/// Has rows to return, so that every door can be asked for some.
const WRITE: &str = "UPDATE leads SET status = 'mine' RETURNING id";
const STATEMENTS: [&str; 2] = [READ, WRITE];

#[allow(deprecated, reason = "`execute_many` is a door as long as it is there")]
async fn knock<'c, E: Executor<'c>>(
    door: Door,
    executor: E,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    match door {
        Door::Execute => executor.execute(sql).await.map(drop),
        Door::ExecuteMany => all(executor.execute_many(sql)).await,
        Door::Fetch => all(executor.fetch(sql)).await,
        Door::FetchMany => all(executor.fetch_many(sql)).await,
        Door::FetchAll => executor.fetch_all(sql).await.map(drop),
        Door::FetchOne => executor.fetch_one(sql).await.map(drop),
        Door::FetchOptional => executor.fetch_optional(sql).await.map(drop),
        Door::Prepare => executor.prepare(sql.into_sql_str()).await.map(drop),
        Door::Describe => executor.describe(sql.into_sql_str()).await.map(drop),
    }
}

async fn all<S, T>(steps: S) -> Result<(), sqlx::Error>
where
    S: futures_core::Stream<Item = Result<T, sqlx::Error>>,
{
    steps.try_for_each(|_| std::future::ready(Ok(()))).await
}

/// `&mut tx` and `&mut *tx` are two handles.
async fn knock_tx<DB: FixtureDb>(
    door: Door,
    through_conn: bool,
    tx: &mut TenantTx<'_, DB>,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    if through_conn {
        knock(door, &mut **tx, sql).await
    } else {
        knock(door, tx, sql).await
    }
}

/// What the tests ask of a database that can't be said generically.
trait Rows: FixtureDb {
    /// The names and states of the tenant's leads.
    fn leads(
        pool: &TenantPool<Self>,
        cx: &TenantContext,
    ) -> impl Future<Output = Vec<(String, String)>>;

    /// The names of the leads that a transaction sees.
    fn seen(tx: &mut TenantTx<'_, Self>) -> impl Future<Output = Result<Vec<String>, sqlx::Error>>;
}

macro_rules! rows {
    ($($db:ty),*) => {
        $(
            impl Rows for $db {
                async fn leads(pool: &TenantPool<Self>, cx: &TenantContext) -> Vec<(String, String)> {
                    sqlx::query_as("SELECT name, status FROM leads ORDER BY id").fetch_all(&pool.for_tenant(cx)).await.unwrap()
                }

                async fn seen(tx: &mut TenantTx<'_, Self>) -> Result<Vec<String>, sqlx::Error> {
                    sqlx::query_scalar("SELECT name FROM leads ORDER BY id").fetch_all(tx).await
                }
            }
        )*
    };
}
rows!(sqlx::Postgres, sqlx::Sqlite);

/// Runs each test on both databases.
macro_rules! on_both {
    ($($file:ident::$test:ident),* $(,)?) => {
        mod postgres {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    for isolation in [Isolation::Shared, Isolation::Schema] {
                        super::$file::$test(World::new(TwoTenants::postgres(isolation).build().await.unwrap()).await).await;
                    }
                }
            )*
        }
        mod sqlite {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    for isolation in [Isolation::Shared, Isolation::Schema] {
                        super::$file::$test(World::new(TwoTenants::sqlite(isolation).build().await.unwrap()).await).await;
                    }
                }
            )*
        }
    };
}

on_both!(
    admission::without_a_tenant,
    admission::for_another_tenant,
    admission::suspended_before,
    admission::suspended_in_a_transaction,
    admission::suspended_in_a_savepoint,
    admission::suspended_while_waiting,
    admission::read_only_before,
    admission::read_only_in_a_transaction,
    admission::read_only_while_waiting,
    cancelled::cancelled_on_the_pool,
    cancelled::cancelled_in_a_transaction,
    cancelled::cancelled_at_a_boundary,
);

/// Two tenants out of a registry that can announce news about `a`.
struct World<DB: FixtureDb> {
    tenants: TwoTenants<DB>,
    registry: CachedRegistry<InMemoryRegistry>,
    a: TenantContext,
    b: TenantContext,
}

impl<DB: Rows> World<DB> {
    async fn new(tenants: TwoTenants<DB>) -> Self {
        let inner = InMemoryRegistry::new();
        inner.insert(Tenant::clone(&tenants.a)).unwrap();
        inner.insert(Tenant::clone(&tenants.b)).unwrap();
        let registry = CachedRegistry::new(inner);
        let request = async |tenant: &Tenant| {
            let tenant: Arc<Tenant> = registry.by_id(&tenant.id()).await.unwrap();
            TenantContext::for_request(tenant, Actor::user("u-1")).unwrap()
        };
        Self {
            a: request(&tenants.a).await,
            b: request(&tenants.b).await,
            registry,
            tenants,
        }
    }

    /// A pool that has opened no connection.
    fn pool(&self, connections: usize) -> TenantPool<DB> {
        self.tenants.pool_with(Budget::new(connections)).unwrap()
    }

    /// News about `a`, later than any before.
    fn announce(&self, status: TenantStatus) {
        static LATER: AtomicU64 = AtomicU64::new(1);
        let later = LATER.fetch_add(1, Ordering::Relaxed);
        self.registry.apply(RegistryEvent {
            tenant: self.a.tenant_id(),
            epoch: self.tenants.a.epoch() + later,
            status,
        });
    }

    /// Both tenants, looked at through another pool, have what the fixture gave them. Makes `a` active to look.
    async fn assert_untouched(&self) {
        self.announce(TenantStatus::Active);
        for cx in [&self.a, &self.b] {
            let leads = DB::leads(&self.tenants.pool, cx).await;
            let slug = cx.tenant().slug();
            let expect: Vec<_> = (1..=6)
                .map(|id| (format!("{slug} lead {id}"), "open".to_owned()))
                .collect();
            assert_eq!(leads, expect);
        }
    }
}

fn kind(error: &Error) -> Option<ErrorKind> {
    error.as_tenancy().map(tenancy_core::Error::kind)
}

#[track_caller]
fn assert_refused<T>(what: impl std::fmt::Debug, result: Result<T, Error>, expect: ErrorKind) {
    let error = result.err();
    assert_eq!(
        error.as_ref().and_then(kind),
        Some(expect),
        "{what:?}: {error:?}"
    );
}
