//! It would send the statement for nobody in particular.

use tenancy::sqlx::sqlx;
use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
    email: String,
}

async fn all(pool: &sqlx::PgPool) -> Result<Vec<User>, sqlx::Error> {
    User::all().fetch_all(pool).await
}

fn main() {}
