//! What people write with sqlx runs unchanged on our handles, and sees one tenant.
//!
//! `statements` and `handles` are compiled once per driver, so that nothing is true of one database only; `types` has columns
//! of the kinds in which the databases differ. sqlx's checked macros are tested in a crate of their own, since they need
//! their offline data beside a manifest.

mod postgres;
mod sqlite;
mod types;

use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{BoundPool, Error, TenantPool};
use tenancy_testkit::fixture::{FixtureDb, TwoTenants};

/// Tenant `a` at work, with `b` in the same database.
pub(crate) struct Desk<DB: FixtureDb> {
    pub(crate) tenants: TwoTenants<DB>,
    pub(crate) pool: TenantPool<DB>,
    pub(crate) cx: TenantContext,
    /// `a`'s.
    pub(crate) mine: BoundPool<DB>,
    /// `b`'s.
    pub(crate) other: BoundPool<DB>,
}

impl<DB: FixtureDb> Desk<DB> {
    pub(crate) fn new(tenants: TwoTenants<DB>) -> Self {
        let cx = TenantContext::for_test(tenants.a.clone());
        let b = TenantContext::for_test(tenants.b.clone());
        let pool = tenants.pool.clone();
        Self {
            mine: pool.for_tenant(&cx),
            other: pool.for_tenant(&b),
            pool,
            cx,
            tenants,
        }
    }
}

/// Our error inside one of sqlx, or the test fails with what it was.
#[track_caller]
pub(crate) fn ours(error: &sqlx::Error) -> &Error {
    Error::from_sqlx(error).unwrap_or_else(|| panic!("not an error of ours: {error:?}"))
}

/// Runs each test on a new pair of tenants: where it could matter of each isolation, else in shared tables.
macro_rules! desks {
    ($db:ident: $($file:ident::$test:ident in $isolations:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                for isolation in crate::surface::$isolations {
                    let tenants = tenancy_testkit::fixture::TwoTenants::$db(isolation).build().await.unwrap();
                    $file::$test(crate::surface::Desk::new(tenants)).await;
                }
            }
        )*
    };
}

pub(crate) const ALL: [Isolation; 3] = [Isolation::Shared, Isolation::Schema, Isolation::Database];
pub(crate) const SHARED: [Isolation; 1] = [Isolation::Shared];

/// The tests, once for both drivers' lists.
macro_rules! every_test {
    ($db:ident) => {
        crate::surface::desks!(
            $db:
            statements::bound_values in ALL,
            statements::rows_as_types in SHARED,
            statements::query_builder in SHARED,
            statements::streams in ALL,
            statements::one_statement_of_text in ALL,
            statements::two_statements_are_refused in SHARED,
            statements::prepared in ALL,
            statements::nulls in SHARED,
            statements::returning in SHARED,
            statements::wrong_number_of_values in SHARED,
            statements::placeholders_in_any_order in SHARED,
            statements::errors_keep_their_kind in ALL,
            handles::executor_functions in ALL,
            handles::generic_functions in SHARED,
            handles::spawned in ALL,
            handles::dropped_stream_of_a_write in ALL,
            handles::dropped_stream_in_a_transaction in ALL,
            handles::a_row_that_was_handed_out_is_there in SHARED,
            handles::transactions_and_savepoints in SHARED,
            handles::future_made_here_and_polled_there in SHARED,
        );
    };
}

pub(crate) use {desks, every_test};
