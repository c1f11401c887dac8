//! Nothing like it is there.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "invoices")]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

fn main() {}
