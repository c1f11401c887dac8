//! Ten thousand jobs of fifty tenants, with workers that are stopped, dropped and killed, and tenants that close and open.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tenancy_core::{InMemoryRegistry, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};
use tenancy_jobs::apalis::error::BoxDynError;
use tenancy_jobs::worker::{Handlers, Run};
use tenancy_jobs::{Enqueue, JobQueue, JobQueueBuilder};
use tenancy_testkit::TempFolder;

use sqlx::ConnectOptions as _;

use crate::world::{Note, Place, Worker, World, context, eventually, keys, note, on_each, quick};

const TENANTS: usize = 50;
const JOBS: usize = 10_000;
const SENDERS: usize = 10;

/// How often each job ran, and under whom that was wrong.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Books>>);

type Books = (HashMap<String, u32>, Vec<String>);

impl Ledger {
    fn handlers(&self) -> Handlers {
        let ledger = self.clone();
        Handlers::new().on(move |note: Note, _: Run| {
            let ledger = ledger.clone();
            async move {
                let pause = rand::rng().random_range(0..6);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let tenant = TenantContext::current()?.tenant_id().to_string();
                {
                    let mut books = ledger.0.lock().unwrap();
                    if tenant != note.owner {
                        books.1.push(format!("{} ran under {tenant}", note.text));
                    }
                    *books.0.entry(note.text).or_default() += 1;
                }
                // Done, and not yet written down.
                tokio::time::sleep(Duration::from_millis(pause)).await;
                Ok::<(), BoxDynError>(())
            }
        })
    }
}

on_each! {
    async fn every_job_runs_under_its_own_tenant_whatever_happens(world) {
        let mut random = StdRng::seed_from_u64(20_261_120);
        let tenants: Vec<_> = (0..TENANTS).map(|n| world.tenant(&format!("t{n}"))).collect();
        let ledger = Ledger::default();
        let start = |queue: &JobQueue, registry: &Arc<InMemoryRegistry>| {
            let backend = quick(queue.worker(Arc::clone(registry))).lease(Duration::from_secs(2)).at_once(16);
            Worker::start(backend, ledger.handlers())
        };
        // Sent while they run; one tenant sends half of all.
        let mut sending = tokio::task::JoinSet::new();
        for sender in 0..SENDERS {
            let (queue, tenants) = (world.queue.clone(), tenants.clone());
            sending.spawn(async move {
                let mut random = StdRng::seed_from_u64(sender as u64);
                for n in (sender..JOBS).step_by(SENDERS) {
                    let cx = &tenants[if random.random() { 0 } else { random.random_range(1..TENANTS) }];
                    let job = note(cx, n.to_string());
                    // Attempts are used up by being killed; that is another test's subject.
                    let how = || Enqueue::new().max_attempts(1_000);
                    // A tenant that is closed just now is asked again.
                    while queue.enqueue_for(cx, &job, how()).await.is_err() {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                }
            });
        }
        let mut workers = vec![start(&world.queue, &world.registry), start(&world.queue, &world.registry)];
        while sending.try_join_next().is_some() || !sending.is_empty() || world.count(0).await > 0 {
            tokio::time::sleep(Duration::from_millis(random.random_range(5..60))).await;
            match random.random_range(0..10) {
                0 => workers.swap_remove(random.random_range(0..workers.len())).stop().await,
                1 | 2 => workers.swap_remove(random.random_range(0..workers.len())).abort().await,
                3 => {
                    // Another process's worth of connections.
                    let fresh = world.place.queue(keys()).build().unwrap();
                    workers.push(start(&fresh, &world.registry));
                }
                4..=6 => {
                    let cx = &tenants[random.random_range(0..TENANTS)];
                    world.set_status(cx, TenantStatus::Suspended);
                }
                _ => {
                    for cx in &tenants {
                        if cx.tenant().status() != TenantStatus::Active {
                            world.set_status(cx, TenantStatus::Active);
                        }
                    }
                }
            }
            while workers.len() < 2 {
                workers.push(start(&world.queue, &world.registry));
            }
            if workers.len() > 4 {
                workers.swap_remove(0).abort().await;
            }
        }
        for cx in &tenants {
            world.set_status(cx, TenantStatus::Active);
        }
        world.drained().await;
        for worker in workers {
            worker.stop().await;
        }
        {
            let books = ledger.0.lock().unwrap();
            assert_eq!(books.1, Vec::<String>::new());
            assert_eq!(books.0.len(), JOBS);
            let twice = books.0.values().filter(|times| **times > 1).count();
            println!("{JOBS} jobs ran; {twice} of them more than once");
        }
        assert_eq!(world.count(2).await, 0, "{:?}", world.errors().await);
    }
}

/// A worker in a process of its own, so that it can be killed. Without the variable it is no test, and does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_process() {
    let Ok(folder) = std::env::var("TENANCY_JOBS_CHILD") else {
        return;
    };
    let folder = PathBuf::from(folder);
    let registry = InMemoryRegistry::new();
    for (slug, id) in read_tenants(&folder) {
        let tenant = Tenant::builder(id, TenantSlug::parse(&slug).unwrap());
        registry.insert(tenant.build().unwrap()).unwrap();
    }
    let place = std::env::var("TENANCY_JOBS_PLACE").unwrap();
    let queue = queue_at(&place).build().unwrap();
    let log = folder.join("log");
    let handlers = Handlers::new().on(move |note: Note, _: Run| {
        let log = log.clone();
        async move {
            let tenant = TenantContext::current()?.tenant_id();
            tokio::time::sleep(Duration::from_millis(2)).await;
            let mut log = std::fs::File::options()
                .append(true)
                .create(true)
                .open(log)?;
            writeln!(log, "{tenant} {} {}", note.owner, note.text)?;
            Ok::<(), BoxDynError>(())
        }
    });
    let backend = quick(queue.worker(registry)).lease(Duration::from_secs(1));
    Worker::start(backend, handlers).stop_never().await;
}

/// Where a queue is, for another process of ours.
fn told(place: &Place) -> String {
    match place {
        Place::Pg(options, _) => format!("postgres {}", options.to_url_lossy()),
        Place::Sqlite(folder) => format!("sqlite {}", folder.path().display()),
        Place::Redis(address, name) => format!("redis {address} {name}"),
    }
}

fn queue_at(told: &str) -> JobQueueBuilder {
    match told.split(' ').collect::<Vec<_>>()[..] {
        ["postgres", url] => JobQueue::postgres(url.parse().unwrap(), keys()),
        ["sqlite", folder] => JobQueue::sqlite(folder, keys()),
        ["redis", address, name] => JobQueue::redis_named(address, name, keys()),
        _ => panic!("{told}"),
    }
}

fn read_tenants(folder: &std::path::Path) -> Vec<(String, TenantId)> {
    let list = std::fs::read_to_string(folder.join("tenants")).unwrap();
    list.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(slug, id)| (slug.to_owned(), TenantId::parse(id).unwrap()))
        .collect()
}

/// Ends with the test, however that ends.
struct Process(Child);

impl Process {
    fn start(folder: &TempFolder, place: &Place) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "soak::child_process", "--nocapture"])
            .env("TENANCY_JOBS_CHILD", folder.path())
            .env("TENANCY_JOBS_PLACE", told(place))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

on_each! {
    async fn jobs_of_processes_that_are_killed_run_again(world) {
        let folder = TempFolder::new().unwrap();
        let queue = &world.queue;
        let registry = InMemoryRegistry::new();
        let mut list = String::new();
        let tenants: Vec<_> = ["a", "b", "c"]
            .map(|slug| {
                let id = TenantId::new_v7();
                list.push_str(&format!("{slug} {id}\n"));
                let tenant = Tenant::builder(id, TenantSlug::parse(slug).unwrap()).build();
                context(&registry.insert(tenant.unwrap()).unwrap())
            })
            .to_vec();
        std::fs::write(folder.join("tenants"), list).unwrap();
        for n in 0..600 {
            let cx = &tenants[n % 3];
            let how = Enqueue::new().max_attempts(100);
            let _ = queue
                .enqueue_for(cx, &note(cx, n.to_string()), how)
                .await
                .unwrap();
        }
        let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        let mut kills = 0;
        let mut process = Process::start(&folder, &world.place);
        for more in [20, 60, 120, 200] {
            eventually(async || log().lines().count() >= more).await;
            drop(process);
            kills += 1;
            process = Process::start(&folder, &world.place);
        }
        eventually(async || {
            let depths = queue.depths().await.unwrap();
            depths
                .iter()
                .all(|depth| depth.waiting + depth.running == 0)
        })
        .await;
        drop(process);
        let log = log();
        let mut done = HashMap::<&str, u32>::new();
        for line in log.lines() {
            let mut words = line.split(' ');
            let (tenant, owner, text) = (words.next(), words.next(), words.next().unwrap());
            assert_eq!(tenant, owner, "{text}");
            *done.entry(text).or_default() += 1;
        }
        assert_eq!((done.len(), kills), (600, 4));
        assert!(
            queue
                .depths()
                .await
                .unwrap()
                .iter()
                .all(|depth| depth.dead == 0)
        );
    }
}
