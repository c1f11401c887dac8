//! The figures, one file per group. A new one is an `async fn run(runner)` there and a line here.

mod context;
mod diesel;
mod engine_wall;
mod firewall;
mod http;
mod jobs;
mod models;
mod objects;
mod postgres;
mod redis;
mod registry;
mod scoped;
mod sqlite;

use crate::{Failure, runner::Runner};

/// All figures, in the order of the table.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    registry::run(runner).await?;
    context::run(runner).await?;
    http::run(runner).await?;
    firewall::run(runner).await?;
    objects::run(runner).await?;
    redis::run(runner).await?;
    sqlite::run(runner).await?;
    engine_wall::run(runner).await?;
    models::run(runner).await?;
    scoped::run(runner).await?;
    postgres::run(runner).await?;
    diesel::run(runner).await?;
    jobs::run(runner).await?;
    Ok(())
}
