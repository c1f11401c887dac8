use tenancy::statement;

fn main() {
    let _ = statement!("SELECT id FROM leadz WHERE id = $1");
}
