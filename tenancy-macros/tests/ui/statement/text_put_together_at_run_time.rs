use tenancy::query_as;

struct Lead {
    id: i64,
}

fn main() {
    let text = format!("SELECT id FROM {}", "leads");
    let _ = query_as!(Lead, text);
}
