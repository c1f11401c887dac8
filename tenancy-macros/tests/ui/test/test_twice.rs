use tenancy::tenant_test;

#[tenant_test]
#[test]
async fn a_and_b(_tenants: ()) {}

fn main() {}
