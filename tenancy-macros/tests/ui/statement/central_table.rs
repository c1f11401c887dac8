use tenancy::statement;

fn main() {
    let _ = statement!("SELECT name FROM plans");
}
