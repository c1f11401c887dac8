//! Any life of a cache at all, held against what the registry announced.

use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::future::join_all;
use proptest::prelude::*;
use tokio::time::advance;

use super::*;

/// One step in the life of a cache.
#[derive(Debug, Clone)]
enum Step {
    /// The tenant changes in the registry, and perhaps the registry says so.
    Change {
        n: u32,
        suspend: bool,
        announced: bool,
    },
    /// An event of before comes again.
    Repeat(usize),
    Look {
        n: u32,
        key: usize,
    },
    Begin {
        n: u32,
        key: usize,
    },
    /// Those that were begun go on, or are cancelled.
    Finish,
    Cancel,
    Wait(u64),
    Forget,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..4_u32, any::<bool>(), any::<bool>()).prop_map(|(n, suspend, announced)| Step::Change {
            n,
            suspend,
            announced
        }),
        (0..8_usize).prop_map(Step::Repeat),
        (1..4_u32, 0..4_usize).prop_map(|(n, key)| Step::Look { n, key }),
        (1..4_u32, 0..4_usize).prop_map(|(n, key)| Step::Begin { n, key }),
        Just(Step::Finish),
        Just(Step::Cancel),
        (1..40_u64).prop_map(Step::Wait),
        Just(Step::Forget),
    ];
    proptest::collection::vec(step, 1..40)
}

/// Runs the steps, and checks every answer: never older than what was announced, and never older than the time to live.
async fn live(steps: Vec<Step>) {
    let cache = cache();
    let all_keys: Vec<_> = (1..4).map(keys).collect();
    let mut now: [(u64, TenantStatus); 4] = [(0, Active); 4];
    let mut announced = [0_u64; 4];
    let mut events = Vec::new();
    let mut begun: Vec<(u32, BoxFuture<'_, Answer>)> = Vec::new();
    let check = |n: u32, answer: &Answer, announced: &[u64; 4], now: &[(u64, TenantStatus); 4]| {
        let index = n as usize;
        match answer {
            Ok(Some(tenant)) => {
                assert_eq!(tenant.id(), id(n));
                assert!(
                    (announced[index]..=now[index].0).contains(&tenant.epoch()),
                    "{} of {now:?}",
                    tenant.epoch()
                );
                if tenant.epoch() == now[index].0 {
                    assert_eq!(tenant.status(), now[index].1);
                }
            }
            Ok(None) => assert_eq!(announced[index], 0, "announced, and yet absent"),
            Err(error) => panic!("{error}"),
        }
    };
    for step in steps {
        match step {
            Step::Change {
                n,
                suspend,
                announced: say,
            } => {
                let next = (
                    now[n as usize].0 + 1,
                    if suspend { Suspended } else { Active },
                );
                now[n as usize] = next;
                cache.inner().tell(n, next.0, next.1);
                if say {
                    events.push(event(n, next.0, next.1));
                    cache.apply(event(n, next.0, next.1));
                    announced[n as usize] = next.0;
                }
            }
            Step::Repeat(which) => {
                if let Some(event) = events.get(which) {
                    cache.apply(*event);
                }
            }
            Step::Begin { n, key } => {
                cache.inner().shut_gate();
                let mut lookup = cache.lookup(&all_keys[n as usize - 1][key]);
                let polled = Pin::new(&mut lookup).poll(&mut Context::from_waker(Waker::noop()));
                if polled.is_pending() {
                    begun.push((n, lookup));
                }
                cache.inner().open_gate();
            }
            Step::Look { .. } | Step::Finish => {
                // Together: whoever looks may wait for one that began earlier.
                if let Step::Look { n, key } = step {
                    begun.push((n, cache.lookup(&all_keys[n as usize - 1][key])));
                }
                let (whose, lookups): (Vec<_>, Vec<_>) = begun.drain(..).unzip();
                for (n, answer) in whose.into_iter().zip(join_all(lookups).await) {
                    check(n, &answer, &announced, &now);
                }
            }
            Step::Cancel => begun.truncate(begun.len() / 2),
            Step::Wait(seconds) => advance(Duration::from_secs(seconds)).await,
            Step::Forget => cache.forget_all(),
        }
        if begun.is_empty() {
            assert!(cache.flights.is_idle());
        }
        for n in 1..4 {
            if let Known::Tenant(tenant) = cache.peek_slug(slug(n).as_bytes()) {
                assert_eq!(
                    cache.peek(&LookupKey::Slug(slug(n))),
                    Known::Tenant(Arc::clone(&tenant))
                );
                check(n, &Ok(Some(tenant)), &announced, &now);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_no_answer_is_older_than_the_news(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(live(steps));
    }
}
