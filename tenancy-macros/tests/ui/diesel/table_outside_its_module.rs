//! A table in a private module: elsewhere its columns are known and `scoped()` is the only way to it.

mod crm {
    use diesel::prelude::*;
    use tenancy::tenant_scoped;

    mod tables {
        diesel::table! {
            leads (id) {
                id -> BigInt,
                name -> Text,
                status -> Text,
            }
        }
    }
    use tables::leads;

    /// For conditions.
    pub mod lead {
        pub use super::tables::leads::{id, name};
    }

    #[tenant_scoped(table = "leads")]
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = leads)]
    pub struct Lead {
        pub id: i64,
        pub name: String,
        pub status: String,
    }
}

use crm::{Lead, lead};
use diesel::prelude::*;

fn main() {
    // This compiles.
    let _ = Lead::scoped().filter(lead::name.eq("Ada")).order(lead::id);
    let _ = crm::leads::table.filter(lead::name.eq("Ada"));
    let _ = crm::tables::leads::table;
    let _ = crm::lead::table;
}
