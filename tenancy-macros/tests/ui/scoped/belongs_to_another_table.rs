//! The key points to users, the model is of leads.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    #[tenant(belongs_to = Lead)]
    owner_id: Option<i64>,
}

fn main() {}
