//! `table!` was written before the column could be NULL, or by somebody who did not know.

use diesel::prelude::*;
use tenancy::tenant_scoped;

diesel::table! {
    leads (id) {
        id -> BigInt,
        name -> Text,
        status -> Text,
        owner_id -> BigInt,
    }
}

#[tenant_scoped(table = "leads")]
#[derive(Queryable, Selectable)]
#[diesel(table_name = leads)]
struct Model {
    id: i64,
    name: String,
    status: String,
    owner_id: i64,
}

fn main() {}
