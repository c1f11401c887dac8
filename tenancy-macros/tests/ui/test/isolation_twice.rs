use tenancy::tenant_test;

#[tenant_test(shared, shared)]
async fn a_and_b(_tenants: ()) {}

fn main() {}
