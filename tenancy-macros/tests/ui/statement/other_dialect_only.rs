use tenancy::statement;

fn main() {
    // Good on PostgreSQL; SQLite has no such operator.
    let _ = statement!("SELECT id FROM leads WHERE name ~* $1");
}
