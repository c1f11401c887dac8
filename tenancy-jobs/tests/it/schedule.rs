//! One line of cron, a job for each tenant.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tenancy_core::{Tenant, TenantStatus};
use tenancy_jobs::{Error, Schedules};

use crate::world::{Note, Seen, Worker, World, on_each};

fn each(tenant: &Tenant) -> Option<Note> {
    let has_it = tenant.slug().as_str() != "without";
    has_it.then(|| Note {
        owner: tenant.id().to_string(),
        text: tenant.slug().to_string(),
    })
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// 20 November 2026, 19:00:30.
const NOW: u64 = 1_795_201_230;

on_each! {
    async fn each_tenant_gets_each_times_job_once(world) {
        let tenants: Vec<_> = ["a", "b", "without", "closed"].map(|slug| world.tenant(slug)).to_vec();
        world.set_status(&tenants[3], TenantStatus::Suspended);
        let list: Vec<Arc<Tenant>> = tenants.iter().map(|cx| Arc::clone(cx.tenant())).collect();
        let process = || Schedules::new(world.queue.clone(), list.clone())
            .every("hourly", "0 * * * *", Duration::from_secs(600), each).unwrap();
        let (one, two) = (process(), process());
        // A new schedule begins now, and owes nothing for the past.
        assert_eq!(one.run_due(at(NOW)).await.unwrap(), 0);
        assert_eq!(world.count(0).await, 0);
        // Two processes, at the same time, an hour later.
        let (first, second) = tokio::join!(one.run_due(at(NOW + 3_600)), two.run_due(at(NOW + 3_600)));
        assert!(first.unwrap() + second.unwrap() >= 3);
        assert_eq!(world.count(0).await, 2);
        // Nothing more for that time; three hours later once, not thrice.
        assert_eq!(one.run_due(at(NOW + 3_700)).await.unwrap(), 0);
        assert_eq!(two.run_due(at(NOW + 4 * 3_600)).await.unwrap(), 3);
        assert_eq!(world.count(0).await, 4);
        // Each at a moment of its own after the hour, within the spread.
        let due = 1_795_201_200_i64 * 1_000;
        let early = due + 3_600_000..=due + 4_200_000;
        assert_eq!(world.writer.count(|row| early.contains(&row.run_at)).await, 2);
        let moments: BTreeSet<i64> = world.writer.rows().await.iter().map(|row| row.run_at).collect();
        assert_eq!(moments.len(), 4);

        world.writer.edit(|_| true, |row| row.run_at = 0).await;
        let seen = Seen::default();
        let worker = Worker::start(world.backend(), seen.handlers());
        world.drained().await;
        worker.stop().await;
        let mut texts = seen.texts();
        texts.sort();
        assert_eq!(texts, ["a", "a", "b", "b"]);
        seen.assert_nobody_met_anybody();
    }
}

on_each! {
    /// It died between two tenants: the next one makes up for the rest, and sends nothing twice.
    async fn a_process_that_died_half_way_is_made_up_for(world) {
        let (a, b) = (world.tenant("a"), world.tenant("b"));
        let (a, b) = (Arc::clone(a.tenant()), Arc::clone(b.tenant()));
        let over = |list: Vec<Arc<Tenant>>| Schedules::new(world.queue.clone(), list)
            .every("hourly", "0 * * * *", Duration::ZERO, each).unwrap();
        let both = over(vec![Arc::clone(&a), b]);
        assert_eq!(both.run_due(at(NOW)).await.unwrap(), 0);
        assert_eq!(over(vec![a]).run_due(at(NOW + 3_600)).await.unwrap(), 1);
        // As if it had not come to writing down that it was done.
        world.writer.schedule("hourly", i64::try_from(NOW * 1_000).unwrap()).await;
        assert_eq!(both.run_due(at(NOW + 3_600)).await.unwrap(), 2);
        assert_eq!(world.count(0).await, 2);
    }
}

on_each! {
    async fn what_is_no_line_of_cron_is_refused(world) {
        let none: Vec<Arc<Tenant>> = Vec::new();
        let schedules = || Schedules::new(world.queue.clone(), none.clone());
        for line in ["", "* * * *", "99 * * * *", "every day"] {
            assert!(matches!(schedules().every("x", line, Duration::ZERO, each), Err(Error::Config(_))), "{line}");
        }
        assert!(schedules().every("", "* * * * *", Duration::ZERO, each).is_err());
        let twice = schedules().every("x", "* * * * *", Duration::ZERO, each).unwrap();
        assert!(twice.every("x", "* * * * *", Duration::ZERO, each).is_err());
    }
}
