//! Two mistakes are two messages.

use diesel::prelude::*;
use tenancy::tenant_scoped;

diesel::table! {
    users (id) {
        id -> BigInt,
        name -> Text,
        email -> Text,
    }
}

#[tenant_scoped(table = "users")]
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Model {
    name: String,
    #[diesel(column_name = mail)]
    email: String,
}

fn main() {}
