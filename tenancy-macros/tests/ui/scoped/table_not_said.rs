//! Which one?

use tenancy::tenant_scoped;

#[tenant_scoped]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

fn main() {}
