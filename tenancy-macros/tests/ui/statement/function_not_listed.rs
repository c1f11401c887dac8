use tenancy::query_scalar;

fn main() {
    let _ = query_scalar!(
        dialect = "postgres",
        "SELECT id,
                pg_read_file($1)
           FROM leads",
        "secret"
    );
}
