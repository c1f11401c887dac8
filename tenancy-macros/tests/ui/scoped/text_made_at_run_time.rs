//! A condition could bring anything along.

use tenancy::sqlx::sqlx;
use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
    email: String,
}

async fn named(db: &tenancy::sqlx::TenantPool<sqlx::Postgres>, name: String) -> Result<Vec<User>, sqlx::Error> {
    User::filter(&format!("name = '{name}'")).fetch_all(db).await
}

fn main() {}
