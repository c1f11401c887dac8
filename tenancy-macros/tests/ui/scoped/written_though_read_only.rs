//! Such a model has no functions that write.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users", read_only)]
struct User {
    id: i64,
    name: String,
}

fn added(user: &User) {
    let _ = tenancy::sqlx::model::insert::<User, tenancy::sqlx::sqlx::Postgres>(user);
}

fn main() {}
