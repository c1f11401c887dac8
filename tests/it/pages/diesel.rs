//! The code of `docs/diesel.md`.

use diesel::prelude::*;
use tenancy::diesel::{AsyncTenantPool, TenantPool};

diesel::table! {
    leads (id) {
        id -> BigInt,
        name -> Text,
        status -> Text,
    }
}

#[derive(Queryable)]
struct Lead {
    _id: i64,
    _name: String,
    _status: String,
}

#[rustfmt::skip]
async fn synchronous(pool: &TenantPool<SqliteConnection>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Synchronous: a closure on a blocking thread, with the context carried.
    let open = pool.interact(|conn| leads::table.filter(leads::status.eq("open")).load::<Lead>(conn)).await?;
    drop(open);
    Ok(())
}

#[rustfmt::skip]
mod asynchronous {
    use diesel::{ExpressionMethods as _, QueryDsl as _};
    use diesel_async::RunQueryDsl as _;

    use super::{AsyncTenantPool, Lead, leads};

    async fn asynchronous(pool: &AsyncTenantPool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        // Asynchronous: a connection out of the budget.
        let conn = &mut pool.get().await?;
        let open = leads::table.filter(leads::status.eq("open")).load::<Lead>(conn).await?;
        drop(open);
        Ok(())
    }
}

#[rustfmt::skip]
mod crm {
    use diesel::prelude::*;
    use tenancy::tenant_scoped;

    mod tables {
        diesel::table! { leads (id) { id -> BigInt, name -> Text, status -> Text, } }
    }
    use tables::leads;

    /// For conditions and orders: `Lead::scoped().filter(lead::name.eq("Ada"))`.
    pub mod lead {
        pub use super::tables::leads::{id, name, status};
    }

    #[tenant_scoped(table = "leads")]
    #[derive(Queryable, Selectable)]
    #[diesel(table_name = leads)]
    pub struct Lead { pub id: i64, pub name: String, pub status: String }
}
