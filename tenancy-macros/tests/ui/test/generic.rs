use tenancy::tenant_test;

#[tenant_test]
async fn a_and_b<DB>(_tenants: Vec<DB>) {}

fn main() {}
