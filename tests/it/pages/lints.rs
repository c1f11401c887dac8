//! The code of `docs/lints.md`.

#[rustfmt::skip]
#[expect(clippy::disallowed_methods, reason = "the metrics server is of no tenant")]
fn serve_metrics() -> tokio::task::JoinHandle<()> {
    tokio::spawn(async {})
}
