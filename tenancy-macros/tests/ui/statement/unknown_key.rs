use tenancy::query;

fn main() {
    let _ = query!(dialekt = "sqlite", "SELECT id FROM leads");
}
