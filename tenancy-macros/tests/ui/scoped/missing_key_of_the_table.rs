//! It has one row for each tenant, and no key to find it by.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "settings")]
struct Settings {
    theme: String,
}

fn main() {}
