//! What was read would have to outlive its row.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User<'a> {
    id: i64,
    name: &'a str,
    email: &'a str,
}

fn main() {}
