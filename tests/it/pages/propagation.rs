//! The code of `docs/propagation.md`.

use tenancy::TenantRegistry;
use tenancy::http::TenantLayer;
use tenancy::http::propagate::{Key, Sender, Verifier};

#[rustfmt::skip]
async fn both_ends(secret: &[u8], registry: impl TenantRegistry) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // The service that asks. With reqwest (feature `propagate-reqwest`), or as a tower layer: PropagateLayer::new(sender).
    let sender = Sender::new(Key::new("2026-11", secret)?).to_host("billing.internal:8443");
    let billing = sender.client(reqwest::Client::builder())?;
    billing.get("https://billing.internal:8443/invoices").send().await?;    // inside a tenant's scope

    // The service that is asked.
    let verifier = Verifier::new("billing.internal:8443").key(Key::new("2026-11", secret)?);
    let layer = TenantLayer::new(registry).peers(verifier).members_vouched_for();
    layer.ensure_configured()?;
    Ok(())
}
