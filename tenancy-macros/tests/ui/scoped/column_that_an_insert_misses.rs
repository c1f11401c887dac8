//! A new row needs it.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
}

fn main() {}
