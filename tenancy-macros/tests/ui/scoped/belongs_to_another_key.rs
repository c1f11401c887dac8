//! The foreign key points to the id, the model is found by the address.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users", key = "id")]
struct User {
    id: i64,
    name: String,
    email: String,
}

#[tenant_scoped(table = "users", key = "email")]
struct Account {
    id: i64,
    name: String,
    email: String,
}

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
    #[tenant(belongs_to = Account)]
    owner_id: Option<i64>,
}

fn main() {
    let _ = Lead::with_owner::<tenancy::sqlx::sqlx::Postgres>();
}
