//! Who is let in: with a tenant, the right one, that is live, and to write only where writing is allowed.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tenancy_core::{ErrorKind, TenantStatus};
use tenancy_sqlx::{BoundPool, Error, TenantPool};

use super::{DOORS, Door, READ, Rows, STATEMENTS, WRITE, World, assert_refused, knock, knock_tx};

/// All doors of both kinds of pool refuse, and no connection was opened.
async fn assert_pools_refuse<DB: Rows>(
    pool: &TenantPool<DB>,
    bound: Option<&BoundPool<DB>>,
    statements: &[&'static str],
    expect: ErrorKind,
) {
    for door in DOORS {
        for sql in statements {
            let refused = knock(door, pool, sql).await;
            assert_refused((door, sql), refused.map_err(Error::from), expect);
            if let Some(bound) = bound {
                let refused = knock(door, bound, sql).await;
                assert_refused(("bound", door, sql), refused.map_err(Error::from), expect);
            }
        }
    }
    assert_eq!(pool.stats().open, 0);
}

pub(super) async fn without_a_tenant<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(2);
    assert_pools_refuse(pool, None, &STATEMENTS, ErrorKind::NoTenant).await;
    assert_refused("begin", pool.begin().await, ErrorKind::NoTenant);
    assert_refused(
        "begin_read_only",
        pool.begin_read_only().await,
        ErrorKind::NoTenant,
    );
    assert_eq!(pool.stats().open, 0);

    // A context that was there when the future was made does not help: it is asked for when the statement is sent.
    let made_inside =
        w.a.sync_scope(|| sqlx::query(READ).fetch_all(pool))
            .unwrap();
    assert_refused(
        "made inside",
        made_inside.await.map_err(Error::from),
        ErrorKind::NoTenant,
    );
    assert_eq!(pool.stats().open, 0);

    // The explicit twin and a transaction are their own proof.
    knock(Door::FetchAll, &pool.for_tenant(&w.a), READ)
        .await
        .unwrap();
    let mut tx = w.a.scope(pool.begin()).await.unwrap().unwrap();
    knock(Door::FetchAll, &mut tx, READ).await.unwrap();
    tx.commit().await.unwrap();
    w.assert_untouched().await;
}

pub(super) async fn for_another_tenant<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(2);
    let bound = &pool.for_tenant(&w.a);
    let inside = w.b.scope(async {
        for door in DOORS {
            for sql in STATEMENTS {
                let refused = knock(door, bound, sql).await;
                assert_refused(
                    (door, sql),
                    refused.map_err(Error::from),
                    ErrorKind::WrongTenant,
                );
            }
        }
        assert_refused("begin", bound.begin().await, ErrorKind::WrongTenant);
        assert_refused(
            "begin_read_only",
            bound.begin_read_only().await,
            ErrorKind::WrongTenant,
        );
    });
    inside.await.unwrap();
    assert_eq!(pool.stats().open, 0);

    for through_conn in [false, true] {
        for door in DOORS {
            let mut tx = bound.begin().await.unwrap();
            let inside = w.b.scope(async {
                for sql in STATEMENTS {
                    let refused = knock_tx(door, through_conn, &mut tx, sql).await;
                    assert_refused(
                        (door, sql),
                        refused.map_err(Error::from),
                        ErrorKind::WrongTenant,
                    );
                }
                assert_refused("savepoint", tx.savepoint().await, ErrorKind::WrongTenant);
            });
            inside.await.unwrap();
            // Refusing has not broken it.
            knock_tx(door, through_conn, &mut tx, READ).await.unwrap();
            tx.rollback().await.unwrap();
        }
    }

    let mut tx = bound.begin().await.unwrap();
    knock(Door::Execute, &mut tx, WRITE).await.unwrap();
    let committed = w.b.scope(tx.commit()).await.unwrap();
    assert_refused("commit", committed, ErrorKind::WrongTenant);

    let mut tx = bound.begin().await.unwrap();
    let mut part = tx.savepoint().await.unwrap();
    knock(Door::Execute, &mut part, WRITE).await.unwrap();
    let committed = w.b.scope(part.commit()).await.unwrap();
    assert_refused("commit of a savepoint", committed, ErrorKind::WrongTenant);
    tx.commit().await.unwrap();

    // Giving up is always allowed.
    let mut tx = bound.begin().await.unwrap();
    knock(Door::Execute, &mut tx, WRITE).await.unwrap();
    w.b.scope(tx.rollback()).await.unwrap().unwrap();
    w.assert_untouched().await;
}

pub(super) async fn suspended_before<DB: Rows>(w: World<DB>) {
    for status in [
        TenantStatus::Suspended,
        TenantStatus::Offboarding,
        TenantStatus::Provisioning,
    ] {
        let pool = &w.pool(2);
        let bound = &pool.for_tenant(&w.a);
        w.announce(status);
        let inside = w.a.scope(async {
            assert_pools_refuse(pool, Some(bound), &STATEMENTS, ErrorKind::Suspended).await;
            assert_refused("begin", pool.begin().await, ErrorKind::Suspended);
            assert_refused(
                "begin_read_only",
                pool.begin_read_only().await,
                ErrorKind::Suspended,
            );
            assert_refused("bound begin", bound.begin().await, ErrorKind::Suspended);
            assert_refused(
                "bound begin_read_only",
                bound.begin_read_only().await,
                ErrorKind::Suspended,
            );
        });
        inside.await.unwrap();
        assert_eq!(pool.stats().open, 0);
        // The neighbour does not notice.
        knock(Door::FetchAll, &pool.for_tenant(&w.b), READ)
            .await
            .unwrap();
        w.assert_untouched().await;
    }
}

pub(super) async fn suspended_in_a_transaction<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(2);
    let bound = &pool.for_tenant(&w.a);
    for through_conn in [false, true] {
        for door in DOORS {
            let mut tx = bound.begin().await.unwrap();
            knock(Door::Execute, &mut tx, WRITE).await.unwrap();
            w.announce(TenantStatus::Suspended);
            for sql in STATEMENTS {
                let refused = knock_tx(door, through_conn, &mut tx, sql).await;
                assert_refused(
                    (door, sql),
                    refused.map_err(Error::from),
                    ErrorKind::Suspended,
                );
            }
            assert_refused("savepoint", tx.savepoint().await, ErrorKind::Suspended);
            assert_refused("commit", tx.commit().await, ErrorKind::Suspended);
            w.assert_untouched().await;
        }
    }
    // Giving up is always allowed.
    let mut tx = bound.begin().await.unwrap();
    knock(Door::Execute, &mut tx, WRITE).await.unwrap();
    w.announce(TenantStatus::Suspended);
    tx.rollback().await.unwrap();
    w.assert_untouched().await;
    assert_eq!(pool.stats().free_slots, 2);
}

pub(super) async fn suspended_in_a_savepoint<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(2);
    let mut tx = pool.for_tenant(&w.a).begin().await.unwrap();
    let mut part = tx.savepoint().await.unwrap();
    knock(Door::Execute, &mut part, WRITE).await.unwrap();
    w.announce(TenantStatus::Suspended);
    assert_refused("nested", part.savepoint().await, ErrorKind::Suspended);
    assert_refused("commit", part.commit().await, ErrorKind::Suspended);
    // Resumed, the surrounding transaction goes on without the part.
    w.announce(TenantStatus::Active);
    assert_eq!(DB::seen(&mut tx).await.unwrap().len(), 6);
    tx.commit().await.unwrap();
    w.assert_untouched().await;
}

/// Lets `waiting` wait for the only connection, announces, and hands the connection over.
async fn announced_while_waiting<DB: Rows, T>(
    w: &World<DB>,
    pool: &TenantPool<DB>,
    status: TenantStatus,
    waiting: impl Future<Output = T>,
) -> T {
    let busy = pool.for_tenant(&w.b).begin_read_only().await.unwrap();
    let mut waiting = pin!(waiting);
    std::future::poll_fn(|cx| {
        assert!(waiting.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    w.announce(status);
    drop(busy);
    waiting.await
}

pub(super) async fn suspended_while_waiting<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(1);
    let bound = &pool.for_tenant(&w.a);
    let status = TenantStatus::Suspended;
    for door in DOORS {
        for sql in STATEMENTS {
            let refused = announced_while_waiting(&w, pool, status, knock(door, bound, sql)).await;
            assert_refused(
                (door, sql),
                refused.map_err(Error::from),
                ErrorKind::Suspended,
            );
            w.assert_untouched().await;
        }
    }
    let refused = announced_while_waiting(&w, pool, status, bound.begin()).await;
    assert_refused("begin", refused, ErrorKind::Suspended);
    w.assert_untouched().await;
    assert_eq!(pool.stats().free_slots, 1);
}

pub(super) async fn read_only_before<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(2);
    let bound = &pool.for_tenant(&w.a);
    w.announce(TenantStatus::ReadOnly);
    let inside = w.a.scope(async {
        for door in DOORS.into_iter().filter(|door| door.runs()) {
            let refused = knock(door, pool, WRITE).await;
            assert_refused(door, refused.map_err(Error::from), ErrorKind::ReadOnly);
            let refused = knock(door, bound, WRITE).await;
            assert_refused(door, refused.map_err(Error::from), ErrorKind::ReadOnly);
        }
        assert_refused("begin", pool.begin().await, ErrorKind::ReadOnly);
        assert_refused("bound begin", bound.begin().await, ErrorKind::ReadOnly);
        assert_eq!(pool.stats().open, 0);

        for door in DOORS {
            knock(door, pool, READ).await.unwrap();
            knock(door, bound, READ).await.unwrap();
        }
        let mut tx = pool.begin_read_only().await.unwrap();
        for door in DOORS {
            knock(door, &mut tx, READ).await.unwrap();
            knock(door, &mut *tx, READ).await.unwrap();
        }
        let refused = knock(Door::Execute, &mut tx, WRITE).await;
        assert_refused("write", refused.map_err(Error::from), ErrorKind::ReadOnly);
        tx.commit().await.unwrap();
    });
    inside.await.unwrap();
    w.assert_untouched().await;
}

pub(super) async fn read_only_in_a_transaction<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(2);
    let bound = &pool.for_tenant(&w.a);
    for through_conn in [false, true] {
        for door in DOORS.into_iter().filter(|door| door.runs()) {
            let mut tx = bound.begin().await.unwrap();
            knock(Door::Execute, &mut tx, WRITE).await.unwrap();
            w.announce(TenantStatus::ReadOnly);
            let refused = knock_tx(door, through_conn, &mut tx, WRITE).await;
            assert_refused(door, refused.map_err(Error::from), ErrorKind::ReadOnly);
            knock_tx(door, through_conn, &mut tx, READ).await.unwrap();
            // What was written before is not kept either: from the announcement on, nothing changes.
            assert_refused("commit", tx.commit().await, ErrorKind::ReadOnly);
            w.assert_untouched().await;
        }
    }
}

pub(super) async fn read_only_while_waiting<DB: Rows>(w: World<DB>) {
    let pool = &w.pool(1);
    let bound = &pool.for_tenant(&w.a);
    let status = TenantStatus::ReadOnly;
    for door in DOORS.into_iter().filter(|door| door.runs()) {
        let refused = announced_while_waiting(&w, pool, status, knock(door, bound, WRITE)).await;
        assert_refused(door, refused.map_err(Error::from), ErrorKind::ReadOnly);
        w.assert_untouched().await;
        let read = announced_while_waiting(&w, pool, status, knock(door, bound, READ)).await;
        read.unwrap();
        w.assert_untouched().await;
    }
    let refused = announced_while_waiting(&w, pool, status, bound.begin()).await;
    assert_refused("begin", refused, ErrorKind::ReadOnly);
    w.assert_untouched().await;
}
