fn main() {
    let _ = tenancy::catalog!(oracle);
}
