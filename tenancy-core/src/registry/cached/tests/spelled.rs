//! Slugs that are looked up as they are spelled, which may be in any way at all.

use std::time::Duration;

use tokio::time::advance;

use super::{TenantStatus::*, cache, event, slug};
use crate::registry::cached::*;
use crate::{InMemoryRegistry, TenantSlug};

#[tokio::test(start_paused = true)]
async fn a_spelling_leads_where_its_slug_does_or_is_not_at_hand() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    let key = LookupKey::Slug(slug(1));
    assert_eq!(cache.peek_slug(b"tenant-1"), Known::Unsure, "not asked yet");
    let tenant = cache.lookup(&key).await.unwrap().unwrap();
    assert_eq!(cache.peek_slug(b"tenant-1"), Known::Tenant(tenant));
    for other in [
        b"".as_slice(),
        b"tenant-",
        b"tenant-2",
        b"tenant-11",
        b"Tenant-1",
        b"tenant-1 ",
        b"tenant-1\0",
        b" tenant-1",
        b"www",
        b"\xff",
        "t\u{e9}nant-1".as_bytes(),
        &[b'a'; 64],
    ] {
        assert_eq!(cache.peek_slug(other), Known::Unsure, "{other:?}");
    }

    cache.apply(event(1, 2, Suspended));
    assert_eq!(cache.peek_slug(b"tenant-1"), Known::Unsure, "outdated");
    cache.inner().tell(1, 2, Suspended);
    let suspended = cache.lookup(&key).await.unwrap().unwrap();
    assert_eq!(suspended.status(), Suspended);
    assert_eq!(cache.peek_slug(b"tenant-1"), Known::Tenant(suspended));

    cache.forget_all();
    assert_eq!(cache.peek_slug(b"tenant-1"), Known::Unsure, "forgotten");
    assert!(cache.lookup(&key).await.unwrap().is_some());
    advance(Duration::from_secs(61)).await;
    assert_eq!(cache.peek_slug(b"tenant-1"), Known::Unsure, "expired");
}

#[tokio::test]
async fn slugs_of_every_length_are_found_as_they_are_spelled() {
    let inner = InMemoryRegistry::new();
    for n in 1..=63_u32 {
        let slug = TenantSlug::parse(&"x".repeat(n as usize)).unwrap();
        let tenant = Tenant::builder(super::id(n), slug).build().unwrap();
        inner.insert(tenant).unwrap();
    }
    let cache = CachedRegistry::new(inner);
    for n in 1..=63 {
        let label = "x".repeat(n);
        let asked = LookupKey::Slug(TenantSlug::parse(&label).unwrap());
        let tenant = cache.lookup(&asked).await.unwrap().unwrap();
        assert_eq!(cache.peek_slug(label.as_bytes()), Known::Tenant(tenant));
        // A registry that has all in memory, and one behind a pointer, say the same.
        let known = cache.inner().peek_slug(label.as_bytes());
        assert_eq!(known, cache.inner().peek(&asked));
        assert!(matches!(known, Known::Tenant(_)));
    }
    let shared = Arc::new(cache);
    assert!(matches!(shared.peek_slug(b"xxx"), Known::Tenant(_)));
    assert_eq!(shared.inner().peek_slug(b"yyy"), Known::Absent);
    assert_eq!(shared.inner().peek_slug(b"www"), Known::Unsure, "no slug");
}
