//! The known ones are listed.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads", tabel = "users")]
struct Lead {
    id: i64,
    name: String,
    status: String,
    owner_id: Option<i64>,
}

fn main() {}
