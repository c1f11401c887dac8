//! A key is never NULL.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: Option<i64>,
    name: String,
    email: String,
}

fn main() {}
