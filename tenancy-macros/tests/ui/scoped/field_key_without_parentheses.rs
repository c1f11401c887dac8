//! Not how it is written.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    #[tenant = "name"]
    name: String,
    email: String,
}

fn main() {}
