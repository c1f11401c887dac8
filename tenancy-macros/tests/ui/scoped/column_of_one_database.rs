//! The other does not have it.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "notes")]
struct Note {
    id: i64,
    lead_id: i64,
    body: String,
    pinned: bool,
}

fn main() {}
