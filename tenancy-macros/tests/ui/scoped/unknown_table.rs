//! A slip of the finger.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "laeds")]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

fn main() {}
