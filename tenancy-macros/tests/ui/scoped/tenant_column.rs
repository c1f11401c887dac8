//! The framework alone writes it.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    tenant_id: i64,
    id: i64,
    name: String,
}

fn main() {}
