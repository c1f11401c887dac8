//! Transactions that SQLite ends by itself: a full disk, a failed write, `RAISE(ROLLBACK)`. What comes after must not be
//! written one by one, and the connection must not go on believing in a transaction.

use sqlx::{ConnectOptions as _, Executor as _, query, query_scalar};
use tenancy_core::{Isolation, TenantContext};
use tenancy_sqlx::{BoundPool, Budget, Error};
use tenancy_testkit::fixture::TwoTenants;

type Sqlite = sqlx::Sqlite;

/// Two tenants on one connection; writing the name `forbidden` ends the transaction.
async fn desk(isolation: Isolation) -> (TwoTenants<Sqlite>, [BoundPool<Sqlite>; 2]) {
    let tenants = TwoTenants::sqlite(isolation).build().await.unwrap();
    for tenant in [&tenants.a, &tenants.b] {
        let mut bare = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(tenants.file_of(tenant))
            .connect()
            .await
            .unwrap();
        bare.execute(
            "CREATE TRIGGER IF NOT EXISTS no_such_name BEFORE UPDATE ON leads WHEN new.name = 'forbidden'
             BEGIN SELECT RAISE(ROLLBACK, 'no such name'); END",
        )
        .await
        .unwrap();
    }
    let pool = tenants.pool_with(Budget::new(1)).unwrap();
    let both =
        [&tenants.a, &tenants.b].map(|it| pool.for_tenant(&TenantContext::for_test(it.clone())));
    (tenants, both)
}

async fn named(bound: &BoundPool<Sqlite>, name: &str) -> i64 {
    query_scalar("SELECT count(*) FROM leads WHERE name = $1")
        .bind(name)
        .fetch_one(bound)
        .await
        .unwrap()
}

const FORBIDDEN: &str = "UPDATE leads SET name = 'forbidden' WHERE id = 2";

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Rollback,
    Drop,
}

#[tokio::test]
async fn nothing_of_it_is_written() {
    for isolation in [Isolation::Shared, Isolation::Schema, Isolation::Database] {
        let (_tenants, [a, b]) = &desk(isolation).await;
        for end in [End::Commit, End::Rollback, End::Drop] {
            for more in [false, true] {
                let mut tx = a.begin().await.unwrap();
                query("UPDATE leads SET name = 'before' WHERE id = 1")
                    .execute(&mut tx)
                    .await
                    .unwrap();
                let error = query(FORBIDDEN).execute(&mut tx).await.unwrap_err();
                assert!(error.as_database_error().is_some(), "{error:?}");
                if more {
                    let after = query("UPDATE leads SET name = 'after' WHERE id = 3")
                        .execute(&mut tx)
                        .await;
                    assert!(after.is_err(), "{end:?}: there is no transaction any more");
                }
                match end {
                    End::Commit => {
                        let committed = tx.commit().await;
                        assert!(
                            matches!(committed, Err(Error::TransactionFailed)),
                            "{committed:?}"
                        );
                    }
                    // Whatever it answers, it is rolled back.
                    End::Rollback => drop(tx.rollback().await),
                    End::Drop => drop(tx),
                }
                // The neighbour, on the connection or its successor.
                query("UPDATE leads SET status = 'won'")
                    .execute(b)
                    .await
                    .unwrap();
                let mut tx = b.begin().await.unwrap();
                query("UPDATE leads SET status = 'open'")
                    .execute(&mut tx)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                assert_eq!(named(a, "before").await, 0, "{isolation:?} {end:?} {more}");
                assert_eq!(named(a, "after").await, 0, "{isolation:?} {end:?} {more}");
            }
        }
    }
}

#[tokio::test]
async fn a_savepoint_goes_with_it() {
    let (_tenants, [a, b]) = &desk(Isolation::Shared).await;
    for rolled_back in [false, true] {
        let mut tx = a.begin().await.unwrap();
        let mut part = tx.savepoint().await.unwrap();
        query(FORBIDDEN).execute(&mut part).await.unwrap_err();
        if rolled_back {
            assert!(part.rollback().await.is_err());
        } else {
            drop(part);
        }
        let after = query("UPDATE leads SET name = 'after'")
            .execute(&mut tx)
            .await;
        assert!(after.is_err());
        assert!(matches!(tx.commit().await, Err(Error::TransactionFailed)));
        assert_eq!(named(a, "after").await, 0);
        assert_eq!(named(b, "after").await, 0);
    }
}

/// An ordinary failure undoes one statement, and the transaction goes on.
#[tokio::test]
async fn an_ordinary_failure_ends_nothing() {
    let (_tenants, [a, _]) = &desk(Isolation::Schema).await;
    let mut tx = a.begin().await.unwrap();
    query("UPDATE leads SET name = 'before' WHERE id = 1")
        .execute(&mut tx)
        .await
        .unwrap();
    for _ in 0..2 {
        let twice = query("INSERT INTO leads (id, name) VALUES (1, 'twice')")
            .execute(&mut tx)
            .await;
        assert!(twice.is_err());
    }
    let seen: Vec<String> = query_scalar("SELECT name FROM leads WHERE id = 1")
        .fetch_all(&mut *tx)
        .await
        .unwrap();
    assert_eq!(seen, ["before"]);
    let mut part = tx.savepoint().await.unwrap();
    query("INSERT INTO leads (id, name) VALUES (1, 'twice')")
        .execute(&mut part)
        .await
        .unwrap_err();
    part.rollback().await.unwrap();
    query("INSERT INTO leads (id, name) VALUES (1, 'twice')")
        .fetch_optional(&mut tx)
        .await
        .unwrap_err();
    tx.commit().await.unwrap();
    assert_eq!(named(a, "before").await, 1);
}
