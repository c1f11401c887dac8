//! The known ones are listed.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    #[tenant(rename = "name")]
    title: String,
    email: String,
}

fn main() {}
