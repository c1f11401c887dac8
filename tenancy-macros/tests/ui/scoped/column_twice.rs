//! Which of the fields is it?

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    #[tenant(column = "name")]
    title: String,
}

fn main() {}
