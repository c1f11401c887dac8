//! It would send the statement for nobody in particular.

use tenancy::sqlx::sqlx;
use tenancy::tenant_scoped;

#[tenant_scoped(table = "users")]
struct User {
    id: i64,
    name: String,
    email: String,
}

async fn remove(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    User::delete(7).execute(connection).await
}

fn main() {}
