fn main() {
    let _ = tenancy::catalog!();
}
