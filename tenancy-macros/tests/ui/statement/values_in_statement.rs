use tenancy::statement;

fn main() {
    let _ = statement!("SELECT id FROM leads WHERE id = $1", 7);
}
