//! The models of the fixture's tables, as a user declares them, and what they answer: in each isolation, on both databases.
//!
//! The tests are one text, compiled once per driver.

mod postgres;
mod sqlite;

use tenancy::tenant_scoped;
use tenancy_core::Isolation;

/// A user of the fixture.
#[tenant_scoped(table = "users")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
}

/// A lead of the fixture.
#[tenant_scoped(table = "leads")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lead {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) status: String,
    #[tenant(belongs_to = User)]
    pub(crate) owner_id: Option<i64>,
}

/// A lead whose status the database fills in; what is said to sqlx's derive holds for the model.
#[tenant_scoped(table = "leads")]
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub(crate) struct NewLead {
    pub(crate) id: i64,
    #[sqlx(rename = "name")]
    pub(crate) title: String,
    #[tenant(default)]
    pub(crate) status: String,
    #[sqlx(skip)]
    pub(crate) note: String,
}

/// A lead that is not in the fixture.
pub(crate) fn lead(id: i64, name: &str) -> Lead {
    Lead {
        id,
        name: name.to_owned(),
        status: "open".to_owned(),
        owner_id: Some(1),
    }
}

pub(crate) const ISOLATIONS: [Isolation; 3] =
    [Isolation::Shared, Isolation::Schema, Isolation::Database];

/// Runs each test on a new pair of tenants in each isolation.
macro_rules! in_each_isolation {
    ($db:ident: $($file:ident::$test:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                for isolation in crate::models::ISOLATIONS {
                    let tenants = tenancy_testkit::fixture::TwoTenants::$db(isolation).build().await.unwrap();
                    $file::$test(&crate::matrix::world::World::new(tenants)).await;
                }
            }
        )*
    };
}

/// The tests, once for both drivers.
macro_rules! every_test {
    ($db:ident) => {
        crate::models::in_each_isolation!(
            $db:
            answers::reads_one_tenants_rows,
            answers::joins_one_tenants_rows,
            answers::pages_have_each_row_once,
            writes::writes_one_tenants_rows,
            writes::what_the_database_fills_in_comes_back,
            writes::many_rows_are_added_all_or_none,
            refusals::a_value_of_another_tenant_is_not_found,
            refusals::refused_where_a_statement_is_refused,
            refusals::mistakes_send_nothing,
            answers::texts_that_never_change_are_parsed_once,
        );
    };
}

pub(crate) use {every_test, in_each_isolation};
