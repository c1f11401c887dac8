//! It is no row.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
fn user() {}

fn main() {}
