//! No tenant ever sees a table of the centre.

use diesel::prelude::*;
use tenancy::tenant_scoped;

diesel::table! {
    plans (name) {
        name -> Text,
    }
}

#[tenant_scoped(table = "plans")]
#[derive(Queryable, Selectable)]
#[diesel(table_name = plans)]
struct Model {
    name: String,
}

fn main() {}
