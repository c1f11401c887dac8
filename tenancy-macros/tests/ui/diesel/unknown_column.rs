//! Diesel believes what `table!` says; the migrations know better.

use diesel::prelude::*;
use tenancy::tenant_scoped;

diesel::table! {
    leads (id) {
        id -> BigInt,
        name -> Text,
        stauts -> Text,
    }
}

#[tenant_scoped(table = "leads")]
#[derive(Queryable, Selectable)]
#[diesel(table_name = leads)]
struct Model {
    id: i64,
    name: String,
    stauts: String,
}

fn main() {}
