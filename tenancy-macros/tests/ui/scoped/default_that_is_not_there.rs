//! The database fills in nothing.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    #[tenant(default)]
    name: String,
    email: String,
}

fn main() {}
