//! It was left out for one of your own.

use tenancy::tenant_scoped;

#[tenant_scoped(table = "users", except(find))]
struct User {
    id: i64,
    name: String,
    email: String,
}

fn found() {
    let _ = User::find::<tenancy::sqlx::sqlx::Postgres>(7);
}

fn main() {}
