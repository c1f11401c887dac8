//! Its fields have no names.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User(i64, String, String);

fn main() {}
