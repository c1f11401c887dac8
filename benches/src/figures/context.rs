//! Reading the current tenant, which every statement does: against a bare `tokio::task_local`.

use std::{hint::black_box, sync::Arc};

use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug, TenantStatus};

use crate::{
    Failure,
    runner::{Figure, Runner, Target},
};

const READ: Figure = Figure {
    name: "context read",
    target: Target::Time(1.5),
};

tokio::task_local! {
    /// What somebody writes who has no framework: the tenant's id behind the one pointer that a task clones.
    static BARE: Arc<TenantId>;
}

/// Adds the group's rows.
pub(crate) async fn run(runner: &mut Runner) -> Result<(), Failure> {
    let id = TenantId::new_v7();
    let tenant = Tenant::builder(id, TenantSlug::parse("acme")?)
        .status(TenantStatus::Active)
        .build()?;
    let context = TenantContext::for_request(Arc::new(tenant), Actor::anonymous())?;
    let bare = Arc::new(id);

    let ours = async |times| Ok(context.scope(async { read_ours(times) }).await??);
    let other = async |times| {
        BARE.scope(Arc::clone(&bare), async { read_bare(times) })
            .await;
        Ok(())
    };
    runner.compare(READ, ours, other).await
}

fn read_ours(times: u64) -> Result<(), tenancy_core::Error> {
    for _ in 0..times {
        black_box(TenantContext::with_current(TenantContext::tenant_id)?);
    }
    Ok(())
}

fn read_bare(times: u64) {
    for _ in 0..times {
        black_box(BARE.with(|id| **id));
    }
}
