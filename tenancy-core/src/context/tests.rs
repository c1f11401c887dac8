//! Who is current when: scopes, nesting, cancellation, panics, streams and tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_util::{FutureExt, Stream, StreamExt, future, stream};
use proptest::prelude::*;
use tokio::task::yield_now;

use super::*;
use crate::{InMemoryRegistry, Placement, TenantSlug, TenantStatus};

fn cx(id: &str) -> TenantContext {
    let slug = TenantSlug::parse(&format!("tenant-{id}")).unwrap();
    TenantContext::for_test(Arc::new(
        Tenant::builder(TenantId::parse(id).unwrap(), slug)
            .build()
            .unwrap(),
    ))
}

/// The id of the current tenant, or `-`.
fn here() -> String {
    TenantContext::with_current(|cx| cx.tenant_id().to_string()).unwrap_or_else(|_| "-".into())
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Says who is current when it is dropped.
struct Witness(Arc<Mutex<Vec<String>>>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(here());
    }
}

/// `polls` polls until it is ready, each of which must see `expect`.
async fn busy(polls: usize, expect: &'static str) {
    for _ in 0..polls {
        assert_eq!(here(), expect);
        future::poll_fn({
            let mut first = true;
            move |task| {
                task.waker().wake_by_ref();
                if std::mem::take(&mut first) {
                    Poll::Pending
                } else {
                    Poll::Ready(())
                }
            }
        })
        .await;
        assert_eq!(here(), expect);
    }
}

#[test]
fn outside_every_scope_there_is_no_tenant() {
    assert!(TenantContext::current().unwrap_err().is_no_tenant());
    assert!(
        TenantContext::with_current(|_| ())
            .unwrap_err()
            .is_no_tenant()
    );
    assert!(spawn(async {}).unwrap_err().is_no_tenant());
    assert!(spawn_blocking(|| ()).unwrap_err().is_no_tenant());
    assert!(async {}.in_current_tenant().unwrap_err().is_no_tenant());
    assert!(
        StreamInTenant::in_current_tenant(stream::empty::<()>())
            .unwrap_err()
            .is_no_tenant()
    );
    assert!(
        TenantJoinSet::new()
            .spawn(async {})
            .unwrap_err()
            .is_no_tenant()
    );
}

#[test]
fn constructors_admit_by_status() {
    let tenant = |status| {
        Arc::new(
            Tenant::builder(
                TenantId::parse("1").unwrap(),
                TenantSlug::parse("acme").unwrap(),
            )
            .status(status)
            .build()
            .unwrap(),
        )
    };
    let check = |status, open: bool| {
        let user = Actor::user("u");
        assert_eq!(
            TenantContext::for_request(tenant(status), user.clone()).is_ok(),
            open,
            "{status}"
        );
        assert_eq!(
            TenantContext::for_job(tenant(status), user.clone()).is_ok(),
            open,
            "{status}"
        );
        let keeper =
            TenantContext::for_maintenance(tenant(status), user, "a reason to look").unwrap();
        assert!(keeper.ensure_live().is_ok(), "{status}");
        assert_eq!(
            (keeper.operation(), keeper.reason()),
            (Operation::Maintenance, Some("a reason to look"))
        );
    };
    check(TenantStatus::Active, true);
    check(TenantStatus::ReadOnly, true);
    check(TenantStatus::Provisioning, false);
    check(TenantStatus::Suspended, false);
    check(TenantStatus::Offboarding, false);
}

#[test]
fn suspension_and_moves_bite_work_under_way() {
    let registry = InMemoryRegistry::new();
    let id = TenantId::parse("1").unwrap();
    let slug = TenantSlug::parse("acme").unwrap();
    let tenant = registry
        .insert(Tenant::builder(id, slug).epoch(1).build().unwrap())
        .unwrap();
    let cx = TenantContext::for_request(tenant.clone(), Actor::user("u")).unwrap();
    let check =
        |expect: Option<ErrorKind>| assert_eq!(cx.ensure_live().err().map(|e| e.kind()), expect);
    check(None);
    registry.set_status(&id, TenantStatus::Suspended).unwrap();
    check(Some(ErrorKind::Suspended));
    registry.set_status(&id, TenantStatus::ReadOnly).unwrap();
    check(None);
    registry
        .replace(
            Tenant::builder(id, slug)
                .placement(Placement::schema(&id))
                .epoch(9)
                .build()
                .unwrap(),
        )
        .unwrap();
    check(Some(ErrorKind::Moved));
    assert_eq!(
        TenantContext::for_request(tenant, Actor::user("u"))
            .unwrap_err()
            .kind(),
        ErrorKind::Moved
    );
}

#[test]
fn sync_scopes_nest_within_one_tenant_only() {
    let (one, two) = (cx("1"), cx("2"));
    one.sync_scope(|| {
        assert_eq!(here(), "1");
        assert_eq!(cx("1").sync_scope(here).unwrap(), "1");
        assert!(
            two.sync_scope(|| unreachable!())
                .unwrap_err()
                .is_wrong_tenant()
        );
        assert_eq!(here(), "1");
    })
    .unwrap();
    assert_eq!(here(), "-");
    assert_eq!(two.sync_scope(here).unwrap(), "2");
}

#[test]
fn a_nested_scope_of_the_same_tenant_is_its_own_context() {
    let outer = cx("1");
    let inner = TenantContext::for_request(outer.tenant().clone(), Actor::user("u")).unwrap();
    outer
        .sync_scope(|| {
            let seen = inner
                .sync_scope(|| TenantContext::current().unwrap().operation())
                .unwrap();
            assert_eq!(seen, Operation::Request);
            assert_eq!(
                TenantContext::current().unwrap().operation(),
                Operation::Test
            );
        })
        .unwrap();
}

#[test]
fn a_place_lends_its_context_and_has_it_back() {
    let mut place = Some(cx("1"));
    let seen = TenantContext::sync_scope_from(&mut place, here);
    assert_eq!(seen.unwrap(), "1");
    let inside_another = cx("2").sync_scope(|| {
        let refused = TenantContext::sync_scope_from(&mut place, || panic!("not run"));
        (refused.unwrap_err().is_wrong_tenant(), here())
    });
    assert_eq!(inside_another.unwrap(), (true, "2".to_owned()));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        TenantContext::sync_scope_from(&mut place, || panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    assert_eq!(place.unwrap().tenant_id(), cx("1").tenant_id());
    assert_eq!(here(), "-");

    let refused = TenantContext::sync_scope_from(&mut None, || panic!("not run"));
    assert!(refused.unwrap_err().is_no_tenant());
}

#[test]
fn what_is_begun_is_made_inside_and_hands_its_context_on_once() {
    let begun = cx("1").begin("made by", |word| {
        let made = format!("{word} {}", here());
        async move { format!("{made}, polled by {}", here()) }
    });
    let mut begun = pin!(begun.unwrap());
    assert!(begun.as_mut().take_context().is_none(), "not finished");
    let said = poll_once(begun.as_mut()).map(Result::unwrap);
    assert_eq!(said, Poll::Ready("made by 1, polled by 1".to_owned()));
    let handed_on = begun.as_mut().take_context().unwrap();
    assert_eq!(handed_on.tenant_id(), cx("1").tenant_id());
    assert!(begun.as_mut().take_context().is_none());
    assert!(poll_once(begun).map(|again| again.is_err()).is_ready());

    let inside_another = cx("2").sync_scope(|| {
        let refused = cx("1").begin((), |()| -> future::Ready<()> { panic!("not made") });
        refused.err().is_some_and(|error| error.is_wrong_tenant())
    });
    assert!(inside_another.unwrap());
    let while_reading = cx("2").sync_scope(|| {
        TenantContext::with_current(|_| cx("2").begin((), future::ready).err().is_some())
    });
    assert!(while_reading.unwrap().unwrap());
}

#[test]
fn entering_while_reading_is_refused_and_not_a_panic() {
    let one = cx("1");
    one.sync_scope(|| {
        TenantContext::with_current(|current| {
            assert_eq!(
                current.sync_scope(|| ()).unwrap_err().kind(),
                ErrorKind::ApiMisuse
            );
            let polled = poll_once(pin!(current.scope(async { unreachable!() })));
            assert!(
                matches!(polled, Poll::Ready(Err(error)) if error.kind() == ErrorKind::ApiMisuse)
            );
            assert_eq!(
                TenantContext::with_current(TenantContext::tenant_id).unwrap(),
                current.tenant_id()
            );
        })
        .unwrap();
        assert_eq!(here(), "1");
    })
    .unwrap();
}

#[test]
fn a_scope_made_for_one_tenant_is_not_polled_inside_another() {
    let polls = AtomicUsize::new(0);
    let mut work = pin!(cx("1").scope(future::poll_fn(|_| {
        polls.fetch_add(1, Ordering::Relaxed);
        Poll::<()>::Pending
    })));
    assert!(poll_once(work.as_mut()).is_pending());
    let inside = cx("2").sync_scope(|| poll_once(work.as_mut())).unwrap();
    assert!(matches!(inside, Poll::Ready(Err(error)) if error.is_wrong_tenant()));
    assert_eq!(polls.load(Ordering::Relaxed), 1, "the work was not touched");
    assert!(
        cx("1")
            .sync_scope(|| poll_once(work.as_mut()))
            .unwrap()
            .is_pending(),
        "its own tenant goes on"
    );
}

#[test]
fn a_finished_scope_says_so_when_polled_again() {
    let mut done = pin!(cx("1").scope(async {}));
    assert!(matches!(poll_once(done.as_mut()), Poll::Ready(Ok(()))));
    assert!(
        matches!(poll_once(done.as_mut()), Poll::Ready(Err(error)) if error.kind() == ErrorKind::ApiMisuse)
    );
}

#[tokio::test]
async fn siblings_do_not_see_each_other() {
    let (one, two) = (cx("1"), cx("2"));
    let (a, b, ()) = tokio::join!(
        one.scope(busy(20, "1")),
        two.scope(busy(30, "2")),
        busy(25, "-")
    );
    a.unwrap();
    b.unwrap();
    assert_eq!(here(), "-");
}

#[test]
fn dropping_at_every_poll_restores_what_was_and_cleans_up_as_its_own_tenant() {
    for outer in ["-", "1"] {
        for polls in 0..8 {
            let seen = Arc::new(Mutex::new(Vec::new()));
            let run = || {
                let witness = Witness(seen.clone());
                let mut work = Box::pin(cx("1").scope(async move {
                    let _witness = witness;
                    cx("1").scope(busy(3, "1")).await.unwrap();
                }));
                for _ in 0..polls {
                    if poll_once(work.as_mut()).is_ready() {
                        break;
                    }
                    assert_eq!(here(), outer);
                }
                drop(work);
                assert_eq!(here(), outer);
            };
            if outer == "-" {
                run();
            } else {
                cx(outer).sync_scope(run).unwrap();
            }
            assert_eq!(
                *seen.lock().unwrap(),
                ["1"],
                "dropped after {polls} polls inside {outer}"
            );
        }
    }
}

#[test]
fn dropped_by_another_tenant_it_still_cleans_up_as_its_own() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let witness = Witness(seen.clone());
    let work = cx("1").scope(async move {
        let _witness = witness;
        future::pending::<()>().await;
    });
    let rows =
        StreamInTenant::in_tenant(stream::once(future::ready(Witness(seen.clone()))), &cx("1"));
    cx("2")
        .sync_scope(|| {
            drop(work);
            drop(rows);
            assert_eq!(here(), "2");
        })
        .unwrap();
    assert_eq!(*seen.lock().unwrap(), ["1", "1"]);
}

#[test]
fn a_panic_restores_what_was() {
    for outer in ["-", "1"] {
        let run = || {
            let stopped = catch_unwind(AssertUnwindSafe(|| cx("1").sync_scope(|| panic!("stop"))));
            assert!(stopped.is_err());
            assert_eq!(here(), outer);
            let mut work = Box::pin(cx("1").scope(async { panic!("stop") }));
            assert!(catch_unwind(AssertUnwindSafe(|| poll_once(work.as_mut()))).is_err());
            assert_eq!(here(), outer);
            drop(work);
            assert_eq!(here(), outer);
        };
        if outer == "-" {
            run();
        } else {
            cx(outer).sync_scope(run).unwrap();
        }
    }
}

#[tokio::test]
async fn streams_carry_their_tenant_and_refuse_another() {
    let rows = || stream::iter(0..3).map(|n| (here(), n));
    let all: Vec<_> = StreamInTenant::in_tenant(rows(), &cx("1"))
        .map(Result::unwrap)
        .collect()
        .await;
    assert_eq!(all, [("1".into(), 0), ("1".into(), 1), ("1".into(), 2)]);

    let mut body = StreamInTenant::in_tenant(rows(), &cx("1"));
    assert_eq!(body.next().await.unwrap().unwrap().0, "1");
    assert_eq!(body.size_hint(), (0, Some(3)));
    assert!(
        cx("2")
            .scope(body.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap_err()
            .is_wrong_tenant()
    );
    assert!(cx("2").scope(body.next()).await.unwrap().is_none());
    assert!(body.next().await.is_none());
    assert_eq!(body.size_hint(), (0, Some(0)));
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a bare task that lost its tenant is what is tested"
)]
async fn tasks_keep_the_tenant_and_bare_ones_lose_it() {
    let inside = async {
        assert_eq!(
            spawn(async { (yield_now().await, here()).1 })
                .unwrap()
                .await
                .unwrap(),
            "1"
        );
        assert_eq!(spawn_blocking(here).unwrap().await.unwrap(), "1");
        let nested = spawn(async { spawn(async { here() }).unwrap().await.unwrap() }).unwrap();
        assert_eq!(nested.await.unwrap(), "1");

        let lost = tokio::spawn(async { TenantContext::current().unwrap_err() })
            .await
            .unwrap();
        assert!(lost.is_no_tenant());
        let lost = tokio::task::spawn_blocking(|| TenantContext::current().unwrap_err())
            .await
            .unwrap();
        assert!(lost.is_no_tenant());
        let lost = std::thread::spawn(|| TenantContext::current().unwrap_err())
            .join()
            .unwrap();
        assert!(lost.is_no_tenant());
    };
    cx("1").scope(inside).await.unwrap();
}

#[tokio::test]
async fn tasks_keep_the_tracing_span() {
    let _subscriber = tracing::subscriber::set_default(tracing_subscriber::registry());
    let name = || {
        tracing::Span::current()
            .metadata()
            .map(tracing::Metadata::name)
    };
    let (task, set_task) = tracing::info_span!("request").in_scope(|| {
        let mut set = TenantJoinSet::new();
        cx("1")
            .sync_scope(|| {
                set.spawn(async move { name() }).unwrap();
                (spawn(async move { name() }).unwrap(), set)
            })
            .unwrap()
    });
    assert_eq!(name(), None);
    assert_eq!(task.await.unwrap(), Some("request"));
    assert_eq!(
        { set_task }.join_next().await.unwrap().unwrap(),
        Some("request")
    );
}

#[tokio::test]
async fn a_join_set_is_of_one_tenant() {
    let mut set = TenantJoinSet::new();
    cx("1")
        .sync_scope(|| {
            for _ in 0..5 {
                set.spawn(async { (yield_now().await, here()).1 }).unwrap();
            }
            set.spawn_blocking(here).unwrap();
        })
        .unwrap();
    assert!(
        cx("2")
            .sync_scope(|| set.spawn(async { here() }))
            .unwrap()
            .unwrap_err()
            .is_wrong_tenant()
    );
    assert_eq!(set.len(), 6);
    while let Some(joined) = set.join_next().await {
        assert_eq!(joined.unwrap(), "1");
    }
    cx("1")
        .sync_scope(|| set.spawn(future::pending()))
        .unwrap()
        .unwrap();
    set.shutdown().await;
    assert!(set.is_empty());
}

#[tokio::test]
async fn dropping_a_join_set_aborts_and_cleans_up_as_the_tenant() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut set = TenantJoinSet::new();
    let witness = Witness(seen.clone());
    let wait = async move {
        let _witness = witness;
        future::pending::<()>().await;
    };
    cx("1").sync_scope(|| set.spawn(wait)).unwrap().unwrap();
    yield_now().await;
    drop(set);
    while seen.lock().unwrap().is_empty() {
        yield_now().await;
    }
    assert_eq!(*seen.lock().unwrap(), ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_that_move_between_threads_keep_their_tenant() {
    let mut handles = Vec::new();
    for n in 0..40_usize {
        let (cx, expect) = if n % 2 == 0 {
            (cx("1"), "1")
        } else {
            (cx("2"), "2")
        };
        let work = async move {
            for _ in 0..50 {
                yield_now().await;
                assert_eq!(here(), expect);
            }
        };
        handles.push(cx.sync_scope(|| spawn(work)).unwrap().unwrap());
    }
    for handle in handles {
        handle.await.unwrap();
    }
}

/// A tree of work: who it is for, how often it yields, what it does inside.
#[derive(Debug, Clone)]
enum Work {
    Yield,
    Scope(u8, Vec<Work>),
    Join(Vec<Work>),
}

fn works() -> impl Strategy<Value = Work> {
    Just(Work::Yield).prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            (1..3_u8, proptest::collection::vec(inner.clone(), 0..4))
                .prop_map(|(id, inside)| Work::Scope(id, inside)),
            proptest::collection::vec(inner, 0..4).prop_map(Work::Join),
        ]
    })
}

/// Does the work, and checks at every step that whoever should be current is.
fn run(work: Work, around: Option<u8>) -> future::BoxFuture<'static, ()> {
    let expect = around.map_or("-".to_owned(), |id| id.to_string());
    async move {
        assert_eq!(here(), expect);
        match work {
            Work::Yield => yield_now().await,
            Work::Scope(id, inside) => {
                let all = async move {
                    for work in inside {
                        run(work, Some(id)).await;
                    }
                };
                let done = cx(&id.to_string()).scope(all).await;
                assert_eq!(done.is_ok(), around.is_none_or(|around| around == id));
            }
            Work::Join(beside) => {
                future::join_all(beside.into_iter().map(|work| run(work, around))).await;
            }
        }
        assert_eq!(here(), expect);
    }
    .boxed()
}

proptest! {
    #[test]
    fn whatever_is_nested_or_joined_everyone_sees_their_own(work in works(), cancel_after in 0..40_usize) {
        let mut all = run(work, None);
        for _ in 0..cancel_after {
            let ready = poll_once(all.as_mut()).is_ready();
            prop_assert_eq!(here(), "-");
            if ready {
                return Ok(());
            }
        }
        drop(all);
        prop_assert_eq!(here(), "-");
    }
}
