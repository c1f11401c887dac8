//! Which of the tables that Diesel knows?

use diesel::prelude::*;
use tenancy::tenant_scoped;

diesel::table! {
    leads (id) {
        id -> BigInt,
        name -> Text,
        status -> Text,
    }
}

#[tenant_scoped(table = "leads")]
#[derive(Queryable)]
struct Model {
    id: i64,
    name: String,
    status: String,
}

fn main() {}
