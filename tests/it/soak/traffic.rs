//! The traffic of the soak test. Compiled once per driver.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use sqlx::{query, query_as, query_scalar};
use tenancy_core::{Tenant, TenantContext};
use tenancy_sqlx::TenantPool;
use tenancy_testkit::fixture::ManyTenants;

use super::Db;
use crate::matrix::world::{at_rest, cancelled_after, prefix};
use crate::models::{Lead, lead};

/// Sends statements from all tasks until there were enough.
pub(crate) async fn run(tenants: &ManyTenants<Db>, tasks: usize, statements: u64) {
    let sent = Arc::new(AtomicU64::new(0));
    let mut all = tokio::task::JoinSet::new();
    for task in 0..tasks {
        let (pool, list) = (tenants.pool.clone(), tenants.tenants.clone());
        let sent = Arc::clone(&sent);
        all.spawn(async move {
            // A fixed seed: what a task asks for can be asked again. The interleaving is the machine's.
            let mut random = StdRng::seed_from_u64(task as u64);
            let mut cancelled = 0_u64;
            while sent.fetch_add(1, Ordering::Relaxed) < statements {
                let tenant = &list[random.random_range(0..list.len())];
                cancelled += u64::from(one(&pool, tenant, &mut random).await);
            }
            cancelled
        });
    }
    let watch = tokio::spawn(progress(Arc::clone(&sent), statements));
    let mut cancelled = 0;
    while let Some(task) = all.join_next().await {
        cancelled += task.expect("no task saw a row of another tenant");
    }
    watch.abort();
    at_rest(&tenants.pool).await;
    for tenant in &tenants.tenants {
        whole(&tenants.pool, tenant).await;
    }
    // No connection was lost: all slots come back.
    at_rest(&tenants.pool).await;
    println!(
        "soak: {statements} statements of {} tenants from {tasks} tasks, {cancelled} cancelled midway, 0 leaks",
        tenants.tenants.len()
    );
}

/// A line every few seconds.
async fn progress(sent: Arc<AtomicU64>, statements: u64) {
    loop {
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        println!(
            "soak: {} of {statements}",
            sent.load(Ordering::Relaxed).min(statements)
        );
    }
}

/// One piece of work as one tenant; true if it was cancelled midway.
async fn one(pool: &TenantPool<Db>, tenant: &Arc<Tenant>, random: &mut StdRng) -> bool {
    let cx = TenantContext::for_test(Arc::clone(tenant));
    let mine = prefix(&cx);
    let kind = random.random_range(0..14);
    let id = random.random_range(1..=6_i64);
    let work = cx.scope(async {
        match kind {
            0..=3 => {
                let name: String = query_scalar("SELECT name FROM leads WHERE id = $1")
                    .bind(id)
                    .fetch_one(pool)
                    .await?;
                assert!(name.starts_with(&mine), "{name} was read as {mine}");
            }
            4..=5 => {
                let rows: Vec<(String, String)> = query_as(
                    "SELECT l.name, u.name FROM leads l JOIN users u ON u.id = l.owner_id",
                )
                .fetch_all(pool)
                .await?;
                assert_eq!(rows.len(), 6);
                for (lead, user) in rows {
                    assert!(
                        lead.starts_with(&mine) && user.starts_with(&mine),
                        "{lead}, {user} were read as {mine}"
                    );
                }
            }
            6..=7 => {
                let done = query("UPDATE leads SET name = $2 WHERE id = $1")
                    .bind(id)
                    .bind(format!("{mine}lead {id}"))
                    .execute(pool)
                    .await?;
                assert_eq!(done.rows_affected(), 1);
            }
            8 => {
                let mut tx = pool.begin().await?;
                query("UPDATE leads SET name = 'nobody is to see this'")
                    .execute(&mut tx)
                    .await?;
                let n: i64 = query_scalar("SELECT count(*) FROM leads")
                    .fetch_one(&mut tx)
                    .await?;
                assert_eq!(n, 6);
                tx.rollback().await?;
            }
            // The same through models.
            10 => {
                let lead = Lead::find(id).fetch_one(pool).await?;
                assert!(lead.name.starts_with(&mine), "{lead:?} was read as {mine}");
            }
            11 => {
                let list = || Lead::with_owner().order_by("name");
                let mut pairs = list().page(4).fetch_all(pool).await?;
                assert_eq!(pairs.len(), 4);
                let (last, _) = &pairs[3];
                pairs.extend(list().page_after(last, 4).fetch_all(pool).await?);
                assert_eq!(pairs.len(), 6);
                for (lead, owner) in pairs {
                    let owner = owner.expect("each lead of the fixture has an owner");
                    assert!(
                        lead.name.starts_with(&mine) && owner.name.starts_with(&mine),
                        "{lead:?}, {owner:?} were read as {mine}"
                    );
                }
            }
            12 => {
                let lead = Lead {
                    id,
                    name: format!("{mine}lead {id}"),
                    status: "open".to_owned(),
                    owner_id: Some((id - 1) % 3 + 1),
                };
                assert_eq!(lead.update().returning(pool).await?, lead);
            }
            13 => {
                let mut tx = pool.begin().await?;
                let rows: Vec<Lead> = (100..103)
                    .map(|id| lead(id, "nobody is to see this"))
                    .collect();
                Lead::insert_many(&rows).execute(&mut tx).await?;
                rows[0].upsert().execute(&mut tx).await?;
                assert_eq!(Lead::delete_where("id >= 100").execute(&mut tx).await?, 3);
                tx.rollback().await?;
            }
            _ => {
                let mut tx = pool.begin_read_only().await?;
                let n: i64 = query_scalar("SELECT count(*) FROM users")
                    .fetch_one(&mut tx)
                    .await?;
                assert_eq!(n, 3);
            }
        }
        Ok::<_, tenancy_sqlx::Error>(())
    });
    if random.random_range(0..10) == 0 {
        let polls = random.random_range(0..6);
        match cancelled_after(polls, work).await {
            None => return true,
            Some(done) => done.unwrap().unwrap(),
        }
    } else {
        work.await.unwrap().unwrap();
    }
    false
}

/// After all of it, a tenant has its own six rows.
async fn whole(pool: &TenantPool<Db>, tenant: &Arc<Tenant>) {
    let cx = TenantContext::for_test(Arc::clone(tenant));
    let rows: Vec<(i64, String)> = query_as("SELECT id, name FROM leads ORDER BY id")
        .fetch_all(&pool.for_tenant(&cx))
        .await
        .unwrap();
    let want: Vec<(i64, String)> = (1..=6)
        .map(|id| (id, format!("{}lead {id}", prefix(&cx))))
        .collect();
    assert_eq!(rows, want);
}
