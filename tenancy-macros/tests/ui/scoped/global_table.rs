//! Its rows are nobody's.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "countries")]
struct Country {
    code: String,
    name: String,
}

fn main() {}
