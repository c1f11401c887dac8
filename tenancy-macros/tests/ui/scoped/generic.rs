//! Its fields would be of any type.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User<T> {
    id: T,
    name: String,
    email: String,
}

fn main() {}
