use tenancy::tenant_test;

#[tenant_test]
fn a_and_b(_tenants: ()) {}

fn main() {}
