use tenancy::statement;

fn main() {
    let _ = statement!(dialect = "mysql", "SELECT id FROM leads");
}
