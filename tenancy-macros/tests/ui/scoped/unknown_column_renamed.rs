//! The name that was said is pointed at.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    #[tenant(column = "state")]
    status: String,
}

fn main() {}
