//! Background jobs that know their tenant.
//!
//! A job leaves the request it came from, and with it the tenant: the worker that runs it an hour later has a context of its
//! own, or the last job's, or none. Here a job is sealed for the tenant of the request, signed, and opened again where it
//! runs: the tenant is asked for in the registry and set as the scope, exactly as a request's is. A job without one does not
//! run.
//!
//! | for | use |
//! |---|---|
//! | what a job is | [`Job`] |
//! | sending one | [`JobQueue::enqueue`] |
//! | sending one with rows of the tenant, or not at all | [`Outbox`] |
//! | running them | [`JobQueue::worker`] and [`worker::Handlers`], with apalis's `WorkerBuilder` |
//! | who gets how much | [`Share`] |
//! | at certain times, for every tenant | [`Schedules`] |
//! | what failed, and how much waits | [`JobQueue::dead`], [`JobQueue::depths`] |
//!
//! The workers, layers and tasks are [apalis](https://docs.rs/apalis-core)'s. The storage is ours: apalis's own has no tenant, so
//! one of them with many jobs would be served before all others, and its idempotency keys are everybody's.
//!
//! # Features
//! `postgres`, `sqlite` and `redis`: where the queue may be. No feature changes behaviour.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test that meets the unexpected should stop"
    )
)]

mod error;
mod job;
mod keys;
mod outbox;
mod queue;
mod schedule;
mod sealed;
mod share;
mod store;
pub mod worker;

pub use error::{Error, Refusal, Result};
pub use job::{Enqueue, Enqueued, Job, JobId};
pub use keys::JobKeys;
pub use outbox::Outbox;
pub use queue::{Depth, JobInfo, JobQueue, JobQueueBuilder, JobState};
pub use schedule::{Schedules, Tenants};
pub use share::Share;
pub use store::StoreError;

/// The workers this crate feeds, so that users name one version of them.
pub use apalis_core as apalis;
