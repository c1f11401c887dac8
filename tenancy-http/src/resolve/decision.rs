//! [`Decision`]: what is to become of a request, as far as that can be said without waiting.

use std::sync::Arc;

use http::Request;
use tenancy_core::{Known, TenantContext};

use super::admit::admit_known;
use super::claim::Named;
use super::future::Admission;
use super::identify::{admit, identify};
use super::layer::Rules;
use super::read::read;
use super::sources::Reach;
use crate::Problem;

pub(super) enum Decision {
    /// It runs for this tenant.
    Admitted(TenantContext),
    /// It runs for nobody.
    Central,
    /// It does not run.
    Refused(Problem),
    /// Somebody has to be asked first.
    Waiting {
        admission: Admission,
        passes_without: bool,
    },
}

impl Decision {
    pub(super) fn about<B>(rules: &Arc<Rules>, request: &mut Request<B>) -> Self {
        let mut evidence = match read(rules, request) {
            Ok(evidence) => evidence,
            Err(problem) => return Self::Refused(problem),
        };
        let reach = rules.sources.reach;
        let names_nobody = match reach {
            Reach::Central if !evidence.names_a_place() => true,
            Reach::Central => {
                tracing::info!("a tenant's address is no central one");
                return Self::Refused(Problem::not_found());
            }
            Reach::Tenant | Reach::Universal => evidence.is_empty(),
        };
        if names_nobody {
            if reach != Reach::Tenant {
                return Self::Central;
            }
            tracing::info!("the request names no tenant");
            return Self::Refused(Problem::not_found());
        }
        let sole = evidence.sole_place();
        if let Some(at_hand) = sole.as_ref().and_then(|named| at_hand(rules, named)) {
            return at_hand.into();
        }
        let rules = Arc::clone(rules);
        Self::Waiting {
            admission: match sole {
                Some(named) => Box::pin(admit(rules, named)),
                None => Box::pin(identify(rules, evidence)),
            },
            passes_without: reach == Reach::Universal,
        }
    }
}

/// The answer about the one place that names a tenant, if the registry has it at hand.
fn at_hand(rules: &Rules, (_, key): &Named) -> Option<Result<TenantContext, Problem>> {
    match rules.registry.peek(key) {
        Known::Tenant(tenant) => Some(admit_known(Some(tenant), key)),
        Known::Absent => Some(admit_known(None, key)),
        Known::Unsure => None,
    }
}

impl From<Result<TenantContext, Problem>> for Decision {
    #[inline]
    fn from(answer: Result<TenantContext, Problem>) -> Self {
        answer.map_or_else(Self::Refused, Self::Admitted)
    }
}
