//! Nothing in the tables says so.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
    email: String,
}

#[tenant_scoped(table = "notes")]
struct Note {
    id: i64,
    #[tenant(belongs_to = User)]
    lead_id: i64,
    body: String,
}

fn main() {}
