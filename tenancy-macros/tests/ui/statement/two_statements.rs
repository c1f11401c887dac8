use tenancy::query;

fn main() {
    let _ = query!("SELECT 1; DELETE FROM leads");
}
