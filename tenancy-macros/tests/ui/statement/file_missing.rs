use tenancy::query_file;

fn main() {
    let _ = query_file!("queries/none.sql");
}
