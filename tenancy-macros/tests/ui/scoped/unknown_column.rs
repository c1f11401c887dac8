//! A slip of the finger.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    stauts: String,
}

fn main() {}
