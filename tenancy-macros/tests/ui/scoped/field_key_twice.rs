//! Which of them?

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    #[tenant(column = "name", column = "email")]
    title: String,
    email: String,
}

fn main() {}
