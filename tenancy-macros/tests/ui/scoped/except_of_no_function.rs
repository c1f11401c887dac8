//! Nothing of that name is generated.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads", except(finde))]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

fn main() {}
