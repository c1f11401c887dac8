//! No tenant ever sees it.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "plans")]
struct Plan {
    name: String,
}

fn main() {}
