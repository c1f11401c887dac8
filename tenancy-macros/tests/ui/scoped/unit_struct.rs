//! It has no columns.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User;

fn main() {}
