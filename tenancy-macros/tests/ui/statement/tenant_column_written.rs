use tenancy::query;

fn main() {
    let _ = query!("UPDATE leads SET tenant_id = $1 WHERE id = $2", 1, 2);
}
