//! How would a row be found?

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    name: String,
    status: String,
}

fn main() {}
