//! Each is told where it was made, at once.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads", except(finde))]
struct Lead {
    tenant_id: i64,
    id: Option<i64>,
    nmae: String,
    #[tenant(renamed)]
    status: String,
    owner_id: i64,
}

// What uses the model says nothing more.
fn used() {
    let _ = Lead::all::<tenancy::sqlx::sqlx::Postgres>();
}

fn main() {}
