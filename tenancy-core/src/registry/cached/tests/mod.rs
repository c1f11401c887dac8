//! A registry that does as it is told, and what the cache in front of it makes of that. No test sleeps: look-ups wait at
//! a gate, and time is turned by hand.

mod ending;
mod model;
mod scripted;
mod spelled;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::advance;

use self::scripted::{OPEN, Scripted};
use super::*;
use crate::{Actor, ApiKeyHash, DomainName, Placement, RegistryExt, TenantContext, TenantSlug};

type Cache = CachedRegistry<Scripted>;

fn cache() -> Cache {
    sized(1_000)
}

fn sized(capacity: usize) -> Cache {
    let inner = Scripted {
        answers: Mutex::default(),
        down: AtomicBool::new(false),
        asked: AtomicUsize::new(0),
        gate: Semaphore::new(OPEN),
    };
    CachedRegistry::builder(inner)
        .capacity(capacity)
        .ttl(Duration::from_secs(60))
        .negative_ttl(Duration::from_secs(5))
        .build()
}

fn id(n: u32) -> TenantId {
    TenantId::from_integer(n.into()).unwrap()
}

fn slug(n: u32) -> TenantSlug {
    TenantSlug::parse(&format!("tenant-{n}")).unwrap()
}

fn domain(n: u32) -> DomainName {
    DomainName::parse(&format!("crm.tenant-{n}.example")).unwrap()
}

fn api_key(n: u32) -> ApiKeyHash {
    ApiKeyHash::of(&n.to_string())
}

fn keys(n: u32) -> [LookupKey; 4] {
    [
        LookupKey::Id(id(n)),
        LookupKey::Slug(slug(n)),
        LookupKey::Domain(domain(n)),
        LookupKey::ApiKey(api_key(n)),
    ]
}

fn event(n: u32, epoch: u64, status: TenantStatus) -> RegistryEvent {
    RegistryEvent {
        tenant: id(n),
        epoch,
        status,
    }
}

/// Polls a look-up until it waits.
fn begin(lookup: &mut BoxFuture<'_, Answer>) {
    let polled = lookup
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "{polled:?}");
}

fn epoch(answer: &Answer) -> Option<u64> {
    answer
        .as_ref()
        .unwrap()
        .as_ref()
        .map(|tenant| tenant.epoch())
}

use TenantStatus::{Active, Suspended};

#[tokio::test]
async fn those_who_miss_together_ask_once() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().shut_gate();
    let key = LookupKey::Slug(slug(1));
    let mut waiting: Vec<_> = (0..10).map(|_| cache.lookup(&key)).collect();
    waiting.iter_mut().for_each(begin);
    cache.inner().open_gate();
    for answer in join_all(waiting).await {
        assert_eq!(epoch(&answer), Some(1));
    }
    assert_eq!(cache.inner().asked(), 1);
    assert!(cache.flights.is_idle());
}

#[tokio::test]
async fn other_keys_do_not_wait() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().tell(2, 1, Active);
    cache.inner().shut_gate();
    let (one, two) = (LookupKey::Id(id(1)), LookupKey::Id(id(2)));
    let (mut first, mut second) = (cache.lookup(&one), cache.lookup(&two));
    begin(&mut first);
    begin(&mut second);
    assert_eq!(cache.inner().asked(), 2);
    cache.inner().open_gate();
    assert_eq!(second.await.unwrap().unwrap().id(), id(2));
    assert_eq!(first.await.unwrap().unwrap().id(), id(1));
}

#[tokio::test]
async fn if_whoever_asks_is_cancelled_the_next_one_asks() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().shut_gate();
    let key = LookupKey::Id(id(1));
    for cancelled in 1..=5 {
        let mut waiting: Vec<_> = (0..6).map(|_| cache.lookup(&key)).collect();
        waiting.iter_mut().for_each(begin);
        for _ in 0..cancelled {
            drop(waiting.remove(0));
        }
        cache.inner().open_gate();
        for answer in join_all(waiting).await {
            assert_eq!(epoch(&answer), Some(1), "{cancelled} cancelled");
        }
        assert!(cache.flights.is_idle());
        cache.forget_all();
        cache.inner().gate.forget_permits(OPEN);
    }
}

#[tokio::test]
async fn if_all_are_cancelled_nothing_is_left_behind() {
    let cache = cache();
    cache.inner().shut_gate();
    let key = LookupKey::Id(id(1));
    let mut waiting: Vec<_> = (0..3).map(|_| cache.lookup(&key)).collect();
    waiting.iter_mut().for_each(begin);
    cache.apply(event(1, 7, Active));
    assert!(!cache.flights.is_idle());
    drop(waiting);
    assert!(cache.flights.is_idle());
}

#[tokio::test]
async fn an_outage_is_told_to_all_who_wait_and_not_remembered() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().down.store(true, Ordering::Relaxed);
    cache.inner().shut_gate();
    let key = LookupKey::Slug(slug(1));
    let mut waiting: Vec<_> = (0..4).map(|_| cache.lookup(&key)).collect();
    waiting.iter_mut().for_each(begin);
    cache.inner().open_gate();
    for answer in join_all(waiting).await {
        let error = answer.unwrap_err();
        assert!(
            error.is_registry_unavailable() && !error.is_unknown_tenant() && !error.looks_absent()
        );
        assert_eq!(
            std::error::Error::source(&error).unwrap().to_string(),
            "connection refused"
        );
    }
    assert_eq!(cache.inner().asked(), 1);
    assert!(
        cache
            .by_slug(&slug(1))
            .await
            .unwrap_err()
            .is_registry_unavailable()
    );
    cache.inner().down.store(false, Ordering::Relaxed);
    assert_eq!(cache.by_slug(&slug(1)).await.unwrap().id(), id(1));
    assert_eq!(cache.inner().asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn during_an_outage_what_has_not_expired_is_served() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.by_id(&id(1)).await.unwrap();
    cache.inner().down.store(true, Ordering::Relaxed);
    advance(Duration::from_secs(59)).await;
    assert!(cache.by_id(&id(1)).await.is_ok());
    assert!(
        cache
            .by_id(&id(2))
            .await
            .unwrap_err()
            .is_registry_unavailable()
    );
    advance(Duration::from_secs(2)).await;
    assert!(
        cache
            .by_id(&id(1))
            .await
            .unwrap_err()
            .is_registry_unavailable()
    );
}

#[tokio::test(start_paused = true)]
async fn answers_and_absences_expire() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    let check = async |n, asked| {
        let _ = cache.by_slug(&slug(n)).await;
        assert_eq!(cache.inner().asked(), asked);
    };
    check(1, 1).await;
    check(2, 2).await;
    check(1, 2).await;
    check(2, 2).await;
    advance(Duration::from_secs(5)).await;
    check(1, 2).await;
    check(2, 3).await;
    advance(Duration::from_secs(55)).await;
    check(1, 4).await;
}

#[tokio::test]
async fn a_ttl_of_nothing_asks_every_time() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    let inner = cache.inner;
    let cache = CachedRegistry::builder(inner)
        .ttl(Duration::ZERO)
        .negative_ttl(Duration::ZERO)
        .build();
    for n in [1, 1, 2, 2] {
        let _ = cache.by_id(&id(n)).await;
    }
    assert_eq!(cache.inner().asked(), 4);
}

#[tokio::test]
async fn an_absence_lasts_until_the_next_event() {
    let cache = cache();
    assert!(
        cache
            .by_slug(&slug(1))
            .await
            .unwrap_err()
            .is_unknown_tenant()
    );
    cache.inner().tell(1, 1, Active);
    assert!(
        cache
            .by_slug(&slug(1))
            .await
            .unwrap_err()
            .is_unknown_tenant(),
        "nobody said so yet"
    );
    cache.apply(event(1, 1, Active));
    assert_eq!(cache.by_slug(&slug(1)).await.unwrap().id(), id(1));
}

#[tokio::test]
async fn an_event_drops_the_answers_under_all_keys_at_once() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().tell(2, 1, Active);
    for n in [1, 2] {
        for key in keys(n) {
            assert_eq!(epoch(&cache.lookup(&key).await), Some(1));
        }
    }
    let before = cache.inner().asked();
    cache.inner().tell(1, 2, Active);
    cache.apply(event(1, 2, Active));
    for key in keys(1).into_iter().rev() {
        assert_eq!(epoch(&cache.lookup(&key).await), Some(2), "{key:?}");
    }
    assert_eq!(
        cache.inner().asked(),
        before + 2,
        "the first brings id and slug along, the domain is asked for again"
    );
    for key in keys(2) {
        assert_eq!(
            epoch(&cache.lookup(&key).await),
            Some(1),
            "the neighbour is not disturbed"
        );
    }
    assert_eq!(cache.inner().asked(), before + 2);
}

#[tokio::test]
async fn old_news_change_nothing() {
    let cache = cache();
    cache.inner().tell(1, 5, Active);
    let tenant = cache.by_id(&id(1)).await.unwrap();
    cache.apply(event(1, 4, Suspended));
    assert_eq!(tenant.status(), Active);
    cache.by_id(&id(1)).await.unwrap();
    assert_eq!(cache.inner().asked(), 1);
}

#[tokio::test]
async fn a_read_that_began_before_an_event_is_repeated_and_never_kept() {
    for seen_before in [false, true] {
        for key in keys(1) {
            let cache = cache();
            cache.inner().tell(1, 1, Active);
            if seen_before {
                cache.by_id(&id(1)).await.unwrap();
                cache.store.clear();
            }
            cache.inner().shut_gate();
            let mut early = cache.lookup(&key);
            begin(&mut early);
            cache.inner().tell(1, 2, Suspended);
            cache.apply(event(1, 2, Suspended));
            cache.inner().open_gate();
            let answer = early.await;
            assert_eq!(epoch(&answer), Some(2), "{key:?}");
            assert_eq!(answer.unwrap().unwrap().status(), Suspended);
            assert_eq!(epoch(&cache.lookup(&key).await), Some(2));
        }
    }
}

#[tokio::test]
async fn news_about_a_tenant_nobody_holds_are_remembered_while_a_read_is_under_way() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().shut_gate();
    let key = LookupKey::Slug(slug(1));
    let mut early = cache.lookup(&key);
    begin(&mut early);
    cache.inner().tell(1, 2, Suspended);
    cache.apply(event(1, 2, Suspended));
    // Enough others to have the watch swept many times over.
    (2..20_000).for_each(|n| cache.apply(event(n, 1, Active)));
    cache.inner().open_gate();
    assert_eq!(epoch(&early.await), Some(2));
    assert!(cache.flights.is_idle());
}

#[tokio::test]
async fn an_absence_read_before_an_event_is_asked_for_again() {
    for key in keys(1) {
        let cache = cache();
        cache.inner().shut_gate();
        let mut early = cache.lookup(&key);
        begin(&mut early);
        cache.inner().tell(1, 1, Active);
        cache.apply(event(1, 1, Active));
        cache.inner().open_gate();
        assert_eq!(epoch(&early.await), Some(1), "{key:?}");
    }
}

#[tokio::test]
async fn a_registry_that_stays_behind_its_own_news_is_unavailable() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    let tenant = cache.by_id(&id(1)).await.unwrap();
    cache.apply(event(1, 2, Active));
    assert!(
        cache
            .by_id(&id(1))
            .await
            .unwrap_err()
            .is_registry_unavailable()
    );
    assert!(
        tenant.ensure_admits(crate::Operation::Request).is_ok(),
        "work under way goes on"
    );
    cache.inner().tell(1, 2, Active);
    assert_eq!(cache.by_id(&id(1)).await.unwrap().epoch(), 2);
}

#[tokio::test]
async fn news_about_others_never_turn_an_absence_into_an_outage() {
    let cache = cache();
    let key = LookupKey::Slug(slug(1));
    cache.inner().shut_gate();
    let mut lookup = cache.lookup(&key);
    for n in 1..10 {
        let polled = lookup
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(answer) = polled {
            assert!(answer.unwrap().is_none());
            assert_eq!(cache.inner().asked(), ATTEMPTS);
            return;
        }
        cache.apply(event(2, n, Active));
        cache.inner().gate.add_permits(1);
    }
    panic!("asked for ever");
}

#[tokio::test(start_paused = true)]
async fn suspension_reaches_contexts_whose_tenant_has_left_the_cache() {
    let cache = sized(1);
    cache.inner().tell(1, 1, Active);
    let first =
        TenantContext::for_request(cache.by_id(&id(1)).await.unwrap(), Actor::user("u")).unwrap();
    advance(Duration::from_secs(61)).await;
    let second =
        TenantContext::for_request(cache.by_id(&id(1)).await.unwrap(), Actor::user("u")).unwrap();
    for n in 2..2_000 {
        cache.inner().tell(n, 1, Active);
        cache.by_slug(&slug(n)).await.unwrap();
    }
    cache.apply(event(1, 2, Suspended));
    assert!(first.ensure_live().unwrap_err().is_suspended());
    assert!(second.ensure_live().unwrap_err().is_suspended());
    cache.apply(event(1, 3, Active));
    assert!(first.ensure_live().is_ok() && second.ensure_live().is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_events_a_reload_brings_the_news() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().tell(2, 1, Active);
    let contexts = async |n| {
        TenantContext::for_request(cache.by_id(&id(n)).await.unwrap(), Actor::user("u")).unwrap()
    };
    let (one, two) = (contexts(1).await, contexts(2).await);
    cache.inner().tell(1, 2, Suspended);
    cache
        .inner()
        .tell_placed(2, 2, Active, Placement::database(&id(2)));
    advance(Duration::from_secs(61)).await;
    assert!(
        one.ensure_live().is_ok() && two.ensure_live().is_ok(),
        "nobody has looked yet"
    );
    assert_eq!(cache.by_slug(&slug(1)).await.unwrap().status(), Suspended);
    assert_eq!(
        cache.by_domain(&domain(2)).await.unwrap().placement(),
        &Placement::database(&id(2))
    );
    assert!(one.ensure_live().unwrap_err().is_suspended());
    assert_eq!(two.ensure_live().unwrap_err().kind(), ErrorKind::Moved);
    assert!(
        contexts(2).await.ensure_live().is_ok(),
        "who begins now goes to the new place"
    );
}

#[tokio::test]
async fn forgetting_everything_also_forgets_what_is_on_its_way() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    cache.inner().shut_gate();
    let key = LookupKey::Id(id(1));
    let mut early = cache.lookup(&key);
    begin(&mut early);
    cache.forget_all();
    cache.inner().open_gate();
    assert_eq!(epoch(&early.await), Some(1));
    cache.lookup(&key).await.unwrap();
    assert_eq!(cache.inner().asked(), 2);
    cache.lookup(&key).await.unwrap();
    assert_eq!(cache.inner().asked(), 2);
}

#[tokio::test]
async fn a_registry_that_mixes_up_tenants_is_refused() {
    let cache = cache();
    cache.inner().tell(2, 1, Active);
    let wrong = cache.inner().answers.lock().unwrap()[&LookupKey::Id(id(2))].clone();
    cache
        .inner()
        .answers
        .lock()
        .unwrap()
        .extend(keys(1).map(|key| (key, Arc::clone(&wrong))));
    assert!(cache.by_id(&id(1)).await.unwrap_err().is_wrong_tenant());
    assert!(cache.by_slug(&slug(1)).await.unwrap_err().is_wrong_tenant());
    assert!(
        cache.by_id(&id(1)).await.unwrap_err().is_wrong_tenant(),
        "nor kept"
    );
}

#[tokio::test]
async fn a_slug_that_changes_hands_leads_to_its_new_owner() {
    let cache = cache();
    cache.inner().tell(1, 1, Active);
    assert_eq!(cache.by_slug(&slug(1)).await.unwrap().id(), id(1));
    // Tenant 1 gives its slug to tenant 2.
    let renamed = Tenant::builder(id(1), slug(9)).epoch(2).build().unwrap();
    let heir = Tenant::builder(id(2), slug(1)).epoch(1).build().unwrap();
    cache.inner().answers.lock().unwrap().extend([
        (LookupKey::Id(id(1)), Arc::new(renamed)),
        (LookupKey::Slug(slug(1)), Arc::new(heir)),
    ]);
    cache.apply(event(1, 2, Active));
    assert_eq!(cache.by_slug(&slug(1)).await.unwrap().id(), id(2));
    assert_eq!(cache.by_id(&id(1)).await.unwrap().slug(), &slug(9));
}

#[tokio::test]
async fn capacity_is_kept() {
    let cache = sized(100);
    for n in 1..5_000 {
        cache.inner().tell(n, 1, Active);
        cache.by_id(&id(n)).await.unwrap();
        let _ = cache.by_slug(&slug(n + 1_000_000)).await;
    }
    let asked = cache.inner().asked();
    let recent = 4_900..5_000;
    for n in recent {
        cache.by_id(&id(n)).await.unwrap();
    }
    assert_eq!(
        cache.inner().asked(),
        asked,
        "the most recent hundred are there"
    );
    let held = (1..5_000).filter(|n| {
        matches!(
            cache
                .store
                .find(&LookupKey::Id(id(*n)), cache.flights.now()),
            Found::Tenant(_)
        )
    });
    assert!(held.count() <= 200);
}
