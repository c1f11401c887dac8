//! It can't be stored.

use tenancy::sqlx::sqlx;
use tenancy::tenant_scoped;

struct Email(String);

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
    email: Email,
}

async fn all(db: &tenancy::sqlx::TenantPool<sqlx::Postgres>) -> Result<Vec<User>, sqlx::Error> {
    User::all().fetch_all(db).await
}

fn main() {}
