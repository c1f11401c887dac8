//! What one tenant may take of a budget, without a database.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{Budget, BudgetError, Ledger, Slot};
use crate::TenantId;

fn id(tenant: i64) -> TenantId {
    TenantId::from_integer(tenant).unwrap()
}

fn book(budget: Budget) -> Ledger<()> {
    Ledger::new(budget.acquire_timeout(Duration::from_secs(1)))
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A slot that is there at once.
fn now(book: &Ledger<()>, tenant: i64) -> Option<Slot> {
    let mut slot = pin!(book.slot(id(tenant)));
    match poll(slot.as_mut()) {
        Poll::Ready(slot) => Some(slot.unwrap()),
        Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_at_its_limit_is_in_nobodys_way() {
    let book = book(Budget::new(4).per_tenant(2));
    let first = [now(&book, 1).unwrap(), now(&book, 1).unwrap()];
    let mut third = pin!(book.slot(id(1)));
    assert!(poll(third.as_mut()).is_pending());
    // It waits without a slot: the other tenant has its two.
    let others = [now(&book, 2).unwrap(), now(&book, 2).unwrap()];
    assert_eq!(book.stats().free_slots, 0);
    drop(first);
    assert!(third.await.is_ok());
    drop(others);
    assert_eq!(book.stats().free_slots, 4);
    assert_eq!(book.stats().tenants, 0);
}

#[tokio::test(start_paused = true)]
async fn the_error_says_whose_limit_it_was() {
    let book = book(Budget::new(3).per_tenant(2));
    let first = [now(&book, 1), now(&book, 1)];
    let waited = Duration::from_secs(1);
    assert_eq!(
        book.slot(id(1)).await.unwrap_err(),
        BudgetError::TenantExhausted {
            per_tenant: 2,
            waited
        }
    );
    let other = now(&book, 2);
    assert_eq!(
        book.slot(id(2)).await.unwrap_err(),
        BudgetError::Exhausted { max: 3, waited }
    );
    drop((first, other));
    assert_eq!((book.stats().free_slots, book.stats().tenants), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tenants_callers_take_turns_in_the_order_they_came() {
    let book = book(Budget::new(4).per_tenant(1));
    let mut held = now(&book, 1);
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(book.slot(id(1)))).collect();
    for slot in &mut waiting {
        assert!(poll(slot.as_mut()).is_pending());
    }
    while !waiting.is_empty() {
        drop(held.take());
        // Asked in reverse, served in order.
        let ready: Vec<usize> = (0..waiting.len())
            .rev()
            .filter(|at| match poll(waiting[*at].as_mut()) {
                Poll::Ready(slot) => {
                    held = Some(slot.unwrap());
                    true
                }
                Poll::Pending => false,
            })
            .collect();
        assert_eq!(ready, [0]);
        drop(waiting.remove(0));
    }
}

/// Waiting for the tenant, then for the budget: a caller who goes away at either leaves nothing behind.
#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_leaves_nothing_behind() {
    let book = book(Budget::new(2).per_tenant(1));
    for _ in 0..100 {
        let held = now(&book, 1);
        assert!(now(&book, 1).is_none());
        let other = now(&book, 2);
        // Has the tenant's place and no slot.
        assert!(now(&book, 3).is_none());
        assert_eq!(book.stats().tenants, 2);
        drop((held, other));
        assert_eq!((book.stats().free_slots, book.stats().tenants), (2, 0));
    }
    // One who was given the place and never looked.
    let held = now(&book, 1);
    let mut unlooked = Box::pin(book.slot(id(1)));
    assert!(poll(unlooked.as_mut()).is_pending());
    drop(held);
    drop(unlooked);
    assert!(now(&book, 1).is_some());
    assert_eq!((book.stats().free_slots, book.stats().tenants), (2, 0));
}

#[tokio::test]
async fn only_tenants_with_work_are_remembered() {
    let book = book(Budget::new(2).per_tenant(1));
    for tenant in 1..10_000 {
        assert!(now(&book, tenant).is_some());
    }
    assert_eq!(book.stats().tenants, 0);
}

#[tokio::test]
async fn without_a_limit_one_tenant_may_take_all_and_nothing_is_counted() {
    for budget in [
        Budget::new(2),
        Budget::new(2).per_tenant(2),
        Budget::new(2).per_tenant(9),
    ] {
        let book = book(budget);
        let all = [now(&book, 1), now(&book, 1)];
        assert!(all.iter().all(Option::is_some));
        assert!(now(&book, 2).is_none());
        assert_eq!(book.stats().tenants, 0);
    }
    assert_eq!(Budget::new(2).per_tenant(0).tenant_limit(), Some(1));
}

#[tokio::test]
async fn those_who_wait_for_their_tenant_hear_that_the_pool_is_closed() {
    let book = std::sync::Arc::new(book(Budget::new(2).per_tenant(1)));
    let held = now(&book, 1).unwrap();
    let mut waiting = Box::pin(book.slot(id(1)));
    let mut closing = Box::pin(book.close());
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("the place is taken"),
        _ = &mut closing => panic!("a connection is in use"),
        () = std::future::ready(()) => {}
    }
    drop(held);
    let (slot, idle) = tokio::join!(waiting, closing);
    assert_eq!(slot.unwrap_err(), BudgetError::Closed);
    assert!(idle.is_empty());
}
