//! The columns of another struct are not known.

use tenancy::sqlx::sqlx;
use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
#[derive(sqlx::FromRow)]
struct User {
    id: i64,
    #[sqlx(flatten)]
    more: More,
}

#[derive(sqlx::FromRow)]
struct More {
    name: String,
    email: String,
}

fn main() {}
