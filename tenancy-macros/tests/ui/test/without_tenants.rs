use tenancy::tenant_test;

#[tenant_test]
async fn a_and_b() {}

fn main() {}
