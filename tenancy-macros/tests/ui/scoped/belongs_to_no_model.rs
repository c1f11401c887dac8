//! It has no table.

use tenancy::tenant_scoped;

struct User {
    id: i64,
}

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    #[tenant(belongs_to = User)]
    owner_id: Option<i64>,
}

fn main() {}
