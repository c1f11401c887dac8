//! It is no row.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
enum User {
    Ada,
    Grace,
}

fn main() {}
