//! Two users may have one name.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users", key = "name")]
struct User {
    id: i64,
    name: String,
    email: String,
}

fn main() {}
