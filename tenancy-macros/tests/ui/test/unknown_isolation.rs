use tenancy::tenant_test;

#[tenant_test(shared, cluster)]
async fn a_and_b(_tenants: ()) {}

fn main() {}
