//! Nothing to find a row by.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users", key = "emial")]
struct User {
    id: i64,
    name: String,
    email: String,
}

fn main() {}
