//! [`Reports`]: tells operators about refusals that only an attack or a mistake causes, and not more often than they can read.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tenancy_core::{Actor, AuditEvent, AuditKind, AuditSink, TenantId};

/// How many events go to the sink in each window.
const MOST: u32 = 50;
const WINDOW: Duration = Duration::from_secs(10);

/// Where refusals are told. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Reports {
    sink: Option<Arc<dyn AuditSink>>,
    budget: Arc<Mutex<Budget>>,
}

#[derive(Debug, Default)]
struct Budget {
    since: Option<Instant>,
    told: u32,
    left_out: u64,
}

impl Budget {
    /// How many were left out before this one; `None` if this one is left out too.
    fn spend(&mut self, now: Instant) -> Option<u64> {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= WINDOW;
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.told = 0;
        }
        if self.told < MOST {
            self.told += 1;
            Some(mem::take(&mut self.left_out))
        } else {
            self.left_out += 1;
            None
        }
    }
}

impl Reports {
    pub(super) fn to(sink: Arc<dyn AuditSink>) -> Self {
        Self {
            sink: Some(sink),
            budget: Arc::default(),
        }
    }

    /// Tells of a refusal, to the log in any case. `reason` names sources and no tenants.
    pub(super) async fn tell(
        &self,
        kind: AuditKind,
        tenant: TenantId,
        actor: Actor,
        reason: String,
    ) {
        tracing::warn!(kind = kind.as_str(), tenant.id = %tenant, %actor, %reason, "request refused");
        let Some(sink) = &self.sink else { return };
        let spent = self
            .budget
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spend(Instant::now());
        let reason = match spent {
            None => return,
            Some(0) => reason,
            Some(left_out) => format!("{reason} ({left_out} refusals before it were not recorded)"),
        };
        let event = AuditEvent::new(kind, actor)
            .with_tenant(tenant)
            .with_reason(reason);
        if let Err(error) = sink.record(&event).await {
            tracing::error!(%error, "an audit event was not recorded");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_told() {
        let mut budget = Budget::default();
        let start = Instant::now();
        for _ in 0..MOST {
            assert_eq!(budget.spend(start), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(budget.spend(start), None);
        }
        assert_eq!(budget.spend(start + WINDOW), Some(7));
        assert_eq!(budget.spend(start + WINDOW), Some(0));
    }
}
