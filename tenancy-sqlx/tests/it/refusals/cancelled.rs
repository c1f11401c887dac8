//! Doors and boundaries that were left at each of their awaits: no slot is lost, and the next statement is right.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tenancy_sqlx::{BoundPool, Error, TenantPool};

use super::{DOORS, Door, Rows, STATEMENTS, WRITE, World, knock, knock_tx};

/// Polls a future until it has been pending `polls` times, then drops it. `None` if it was dropped.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut pending = 0;
    std::future::poll_fn(move |cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if pending == polls => Poll::Ready(None),
        Poll::Pending => {
            pending += 1;
            Poll::Pending
        }
    })
    .await
}

/// Nobody holds a slot, within a short time: connections of cancelled users come back from a task of their own.
async fn assert_whole<DB: Rows>(what: impl std::fmt::Debug, pool: &TenantPool<DB>) {
    for _ in 0..2000 {
        let stats = pool.stats();
        if stats.free_slots == stats.max {
            assert!(stats.open <= stats.max, "{what:?}: {stats:?}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{what:?}: a slot was lost: {:?}", pool.stats());
}

/// The only connection, whose last user was cancelled, answers each tenant with its own, whole state.
async fn assert_right<DB: Rows>(what: impl std::fmt::Debug, pool: &TenantPool<DB>, w: &World<DB>) {
    for cx in [&w.b, &w.a] {
        let leads = DB::leads(pool, cx).await;
        let prefix = format!("{} lead ", cx.tenant().slug());
        assert_eq!(leads.len(), 6, "{what:?}");
        assert!(
            leads.iter().all(|(name, _)| name.starts_with(&prefix)),
            "{what:?}: {leads:?}"
        );
        let changed = leads.iter().filter(|(_, status)| status == "mine").count();
        let whole = changed == 0 || (changed == 6 && cx.tenant_id() == w.a.tenant_id());
        assert!(whole, "{what:?}: half a statement in {leads:?}");
    }
}

pub(super) async fn cancelled_on_the_pool<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(1);
    let bound = &pool.for_tenant(&w.a);
    for door in DOORS {
        for sql in STATEMENTS {
            for explicit in [false, true] {
                for polls in 0.. {
                    let finished = if explicit {
                        cancelled_after(polls, knock(door, bound, sql)).await
                    } else {
                        let inside = cancelled_after(polls, w.a.scope(knock(door, pool, sql)));
                        inside.await.map(Result::unwrap)
                    };
                    let what = (door, sql, polls);
                    assert_right(what, pool, &w).await;
                    assert_whole(what, pool).await;
                    if let Some(result) = finished {
                        result.unwrap();
                        break;
                    }
                    assert!(polls < 10_000, "{what:?} never finished");
                }
            }
        }
    }
    pool.close().await;
    assert_eq!(pool.stats().open, 0);
}

pub(super) async fn cancelled_in_a_transaction<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(1);
    let bound = &pool.for_tenant(&w.a);
    for door in DOORS {
        for sql in STATEMENTS {
            for through_conn in [false, true] {
                for polls in 0.. {
                    let what = (door, sql, polls);
                    let mut tx = bound.begin().await.unwrap();
                    let mine = knock_tx(door, through_conn, &mut tx, sql);
                    let finished = cancelled_after(polls, mine).await;
                    // The transaction goes on: the next statement is answered, and not with the last one's rows.
                    let seen = DB::seen(&mut tx).await.unwrap();
                    assert_eq!(seen.len(), 6, "{what:?}");
                    assert!(
                        seen.iter().all(|name| name.starts_with("a lead ")),
                        "{what:?}"
                    );
                    // Half of the time it ends with a rollback that nobody waits for.
                    if polls % 2 == 0 {
                        tx.commit().await.unwrap();
                    } else {
                        drop(tx);
                    }
                    assert_right(what, pool, &w).await;
                    assert_whole(what, pool).await;
                    if let Some(result) = finished {
                        result.unwrap();
                        break;
                    }
                    assert!(polls < 10_000, "{what:?} never finished");
                }
            }
        }
    }
    pool.close().await;
    assert_eq!(pool.stats().open, 0);
}

#[derive(Clone, Copy, Debug)]
enum Boundary {
    Begin,
    BeginReadOnly,
    Savepoint,
    CommitSavepoint,
    RollbackSavepoint,
    Commit,
    Rollback,
}

/// Goes through a boundary, cancelled after so many polls. `None` if it was cancelled.
async fn boundary<DB: Rows>(
    at: Boundary,
    polls: usize,
    bound: &BoundPool<DB>,
) -> Option<Result<(), Error>> {
    match at {
        Boundary::Begin => {
            return Some(cancelled_after(polls, bound.begin()).await?.map(drop));
        }
        Boundary::BeginReadOnly => {
            return Some(
                cancelled_after(polls, bound.begin_read_only())
                    .await?
                    .map(drop),
            );
        }
        _ => {}
    }
    let mut tx = bound.begin().await.unwrap();
    knock(Door::Execute, &mut tx, WRITE).await.unwrap();
    match at {
        Boundary::Commit => return cancelled_after(polls, tx.commit()).await,
        Boundary::Rollback => return cancelled_after(polls, tx.rollback()).await,
        Boundary::Savepoint => {
            if let Some(made) = cancelled_after(polls, tx.savepoint()).await {
                return Some(made.map(drop));
            }
        }
        _ => {
            let mut part = tx.savepoint().await.unwrap();
            knock(Door::Execute, &mut part, WRITE).await.unwrap();
            let ended = match at {
                Boundary::CommitSavepoint => cancelled_after(polls, part.commit()).await,
                _ => cancelled_after(polls, part.rollback()).await,
            };
            if let Some(ended) = ended {
                return Some(ended);
            }
        }
    }
    // Whether the savepoint is there is not known, so the transaction is good for nothing but rolling back.
    assert!(DB::seen(&mut tx).await.is_err());
    assert!(matches!(tx.commit().await, Err(Error::TransactionFailed)));
    None
}

pub(super) async fn cancelled_at_a_boundary<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(1);
    let bound = &pool.for_tenant(&w.a);
    for at in [
        Boundary::Begin,
        Boundary::BeginReadOnly,
        Boundary::Savepoint,
        Boundary::CommitSavepoint,
        Boundary::RollbackSavepoint,
        Boundary::Rollback,
        Boundary::Commit,
    ] {
        for polls in 0.. {
            let finished = boundary(at, polls, bound).await;
            assert_right((at, polls), pool, &w).await;
            assert_whole((at, polls), pool).await;
            if let Some(result) = finished {
                result.unwrap();
                break;
            }
            // What is left of a cancelled commit is its outcome; nothing else may have written.
            if !matches!(at, Boundary::Commit) {
                w.assert_untouched().await;
            }
            assert!(polls < 10_000, "{at:?} never finished");
        }
    }
    pool.close().await;
    assert_eq!(pool.stats().open, 0);
}
