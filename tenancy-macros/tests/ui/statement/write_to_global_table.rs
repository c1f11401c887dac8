use tenancy::statement;

fn main() {
    let _ = statement!("UPDATE countries SET name = $1");
}
