//! Two users may have one name.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    #[tenant(key)]
    name: String,
    email: String,
}

fn main() {}
