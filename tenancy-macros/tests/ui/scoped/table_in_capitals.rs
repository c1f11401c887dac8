//! Names are folded as the database folds them.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "Leads")]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

fn main() {}
