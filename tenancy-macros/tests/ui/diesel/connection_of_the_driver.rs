//! Code that wants the driver's own connection could send anything for anybody.

use tenancy::diesel::AsyncTenantPool;
use tenancy::diesel::diesel_async::AsyncPgConnection;

async fn anything(conn: &mut AsyncPgConnection) {
    let _ = conn;
}

async fn with(pool: AsyncTenantPool) {
    let mut conn = pool.get().await.unwrap();
    anything(&mut conn).await;
}

fn main() {}
