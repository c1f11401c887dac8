//! The tenant column is the framework's business, in Diesel too.

use diesel::prelude::*;
use tenancy::tenant_scoped;

diesel::table! {
    leads (tenant_id, id) {
        tenant_id -> Binary,
        id -> BigInt,
        name -> Text,
        status -> Text,
    }
}

#[tenant_scoped(table = "leads")]
#[derive(Queryable, Selectable)]
#[diesel(table_name = leads)]
struct Model {
    tenant_id: Vec<u8>,
    id: i64,
    name: String,
    status: String,
}

fn main() {}
