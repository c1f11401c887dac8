//! Nothing is ordered by a column of another table.

use tenancy::sqlx::sqlx;
use tenancy::tenant_scoped;

#[tenant_scoped(table = "leads")]
struct Lead {
    id: i64,
    name: String,
}

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
    email: String,
}

async fn all(db: &tenancy::sqlx::TenantPool<sqlx::Postgres>) -> Result<Vec<User>, sqlx::Error> {
    User::all().order_by(Lead::NAME).fetch_all(db).await
}

fn main() {}
