//! A row without an owner can't be read.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    owner_id: i64,
}

fn main() {}
