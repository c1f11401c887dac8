//! What hot paths allocate: the layer for a tenant that the cache knows, and whoever reads the context. The numbers may only
//! shrink.

use std::convert::Infallible;

use axum::body::Body;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use tenancy_core::{CachedRegistry, TenantContext, TenantStatus};
use tenancy_http::TenantLayer;
use tower::{Layer, Service, service_fn};

use crate::fixture::{BASE, registry, request, tenant};

/// Calls a service and reads its answer to the end, none of which ever waits; returns how often it allocated.
fn allocations<S, B>(service: &mut S, request: Request<Body>) -> u64
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body,
{
    let counted = allocation_counter::measure(|| {
        let response = service.call(request).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), 200);
        assert!(
            response
                .into_body()
                .collect()
                .now_or_never()
                .unwrap()
                .is_ok()
        );
    });
    counted.count_total
}

#[test]
fn a_cached_tenant_costs_no_allocation() {
    let handler =
        service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let mut bare = handler;
    let mut layered = TenantLayer::new(CachedRegistry::new(registry()))
        .subdomain_of(BASE)
        .layer(handler);

    let acme = || request("acme.crm.example.com");
    // The first time fills the cache.
    allocations(&mut layered, acme());
    let cost = allocations(&mut layered, acme()) - allocations(&mut bare, acme());
    assert_eq!(cost, 0, "the layer allocates");
}

#[test]
fn reading_the_context_allocates_nothing() {
    let context = TenantContext::for_test(std::sync::Arc::new(tenant(
        "1",
        "acme",
        TenantStatus::Active,
    )));
    let counted = allocation_counter::measure(|| {
        let read = context.sync_scope(|| TenantContext::with_current(TenantContext::tenant_id));
        assert_eq!(read.unwrap().unwrap(), context.tenant_id());
    });
    assert_eq!(counted.count_total, 0);
}
