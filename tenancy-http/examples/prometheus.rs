//! Metrics of tenants for Prometheus: `cargo run -p tenancy-http --example prometheus --features axum,metrics`, then
//! `curl -H 'host: acme.localhost' localhost:3000` a few times and `curl localhost:3000/metrics`.

use std::net::Ipv4Addr;

use axum::Router;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusBuilder;
use tenancy_core::{InMemoryRegistry, Tenant, TenantId, TenantSlug};
use tenancy_http::observe::{Labels, Latencies, MetricsLayer};
use tenancy_http::{Tenancy, TenantLayer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let registry = InMemoryRegistry::new();
    for (id, slug) in [("1", "acme"), ("2", "globex")] {
        registry
            .insert(Tenant::builder(TenantId::parse(id)?, TenantSlug::parse(slug)?).build()?)?;
    }
    let exporter = PrometheusBuilder::new().install_recorder()?;
    let latencies = Latencies::of_the_last(1_000);
    let slowest = latencies.clone();
    let app = Router::new()
        .route(
            "/",
            get(async |tenancy: Tenancy| format!("hello, {}\n", tenancy.tenant().slug())),
        )
        // Twenty tenants have a series of their own, the others share one.
        .layer(MetricsLayer::new(Labels::TopK(20)).latencies(latencies))
        .layer(TenantLayer::new(registry).subdomain_of("localhost"))
        // For operators, of no tenant: keep them off the public address.
        .route("/metrics", get(async move || exporter.render()))
        .route(
            "/slowest",
            get(async move || format!("{:#?}\n", slowest.slowest(10))),
        );
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 3000)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
