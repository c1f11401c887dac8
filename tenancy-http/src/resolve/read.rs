//! From a request to its [`Evidence`], without asking anybody: which places in it name a tenant, and what they say.

use http::{HeaderMap, Request};
use tenancy_core::{Actor, DomainName, LookupKey, TenantId, TenantSlug};

use super::api_key;
use super::bearer::Bearer;
use super::claim::{Evidence, Named, Source};
use super::layer::Rules;
use super::path::InPath;
use crate::Problem;
use crate::host::{self, Below};

/// Reads a request, and takes a tenant's prefix off its path.
///
/// Every refusal is logged for operators with the reason that its answer leaves out; what a client sent is logged only after
/// it proved to be a host name, and never when it was malformed.
pub(super) fn read<B>(rules: &Rules, request: &mut Request<B>) -> Result<Evidence, Problem> {
    if let Err(mistake) = rules.ensure_configured() {
        tracing::error!(error = %mistake, "TenantLayer is misconfigured");
        return Err(Problem::misconfigured());
    }
    let mut evidence = Evidence {
        host: host(rules, request)?,
        ..Evidence::default()
    };
    let sources = &rules.sources;
    if let Some(prefix) = &sources.path {
        match prefix.read(request.uri().path()) {
            InPath::Nothing => {}
            InPath::Refused(reason) => return Err(absent(reason)),
            InPath::Tenant(slug, rest) => {
                prefix
                    .strip(request, &slug, &rest)
                    .ok_or_else(|| absent("what is left of the path is no path"))?;
                evidence.others.push((Source::Path, LookupKey::Slug(slug)));
            }
        }
    }
    let headers = request.headers();
    if let Some(name) = &sources.header {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => {}
            (Some(_), Some(_)) => return Err(absent("more than one tenant header")),
            (Some(value), None) => {
                let id = value
                    .to_str()
                    .ok()
                    .and_then(|text| TenantId::parse(text).ok());
                let id = id.ok_or_else(|| absent("the tenant header holds no id"))?;
                evidence.others.push((Source::Header, LookupKey::Id(id)));
            }
        }
    }
    let takes_tokens = takes_tokens(rules);
    if sources.api_keys.is_some() || takes_tokens {
        let bearer = Bearer::read(headers)?;
        if let Some(keys) = &sources.api_keys {
            evidence.api_key = keys.read(headers, bearer.as_ref())?;
        }
        let is_key = |bearer: &Bearer<'_>| {
            sources
                .api_keys
                .as_ref()
                .is_some_and(|keys| keys.takes(bearer))
        };
        // A bearer that is no key of ours must be a token.
        if let Some(bearer) = bearer.filter(|bearer| !is_key(bearer)) {
            if !takes_tokens {
                return Err(api_key::refused("not of the form of our keys"));
            }
            evidence.token = Some(bearer.text().into());
        }
    }
    evidence.peer = peer(rules, headers)?;
    if let Some(sessions) = &sources.sessions {
        evidence.sessions = sessions.read(headers);
    }
    Ok(evidence)
}

#[cfg(feature = "jwt")]
fn takes_tokens(rules: &Rules) -> bool {
    rules.sources.tokens.is_some()
}

#[cfg(not(feature = "jwt"))]
fn takes_tokens(_: &Rules) -> bool {
    false
}

/// What another service of ours signed about the request.
#[cfg(feature = "propagate")]
fn peer(rules: &Rules, headers: &HeaderMap) -> Result<Option<(TenantId, Actor)>, Problem> {
    let Some(peers) = &rules.sources.peers else {
        return Ok(None);
    };
    let claim = peers.verify(headers).map_err(|_| Problem::unauthorized())?;
    Ok(claim.map(|claim| (claim.tenant(), claim.actor().clone())))
}

#[cfg(not(feature = "propagate"))]
fn peer(_: &Rules, _: &HeaderMap) -> Result<Option<(TenantId, Actor)>, Problem> {
    Ok(None)
}

/// What the host names: a slug below a base domain, a domain of a tenant's own, or nobody.
fn host<B>(rules: &Rules, request: &Request<B>) -> Result<Option<Named>, Problem> {
    let proxies = rules.sources.proxies.as_ref();
    let host = host::host_of(request, proxies).map_err(|malformed| {
        tracing::info!(reason = %malformed, "malformed host");
        Problem::malformed_host()
    })?;
    let below = rules.bases.place(&host);
    match below {
        Below::Label(label) => match TenantSlug::parse(label) {
            Ok(slug) => Ok(Some((Source::Subdomain, LookupKey::Slug(slug)))),
            Err(refused) => {
                tracing::info!(%host, reason = %refused, "no tenant's host");
                Err(Problem::not_found())
            }
        },
        Below::Base => Ok(None),
        Below::Foreign if rules.sources.custom_domains => {
            match host.name().map(DomainName::parse) {
                Some(Ok(domain)) => Ok(Some((Source::CustomDomain, LookupKey::Domain(domain)))),
                _ => {
                    tracing::info!(%host, "no tenant's host");
                    Err(Problem::not_found())
                }
            }
        }
        // Nobody told us of hosts, so they say nothing.
        Below::Foreign if rules.bases.is_empty() => Ok(None),
        Below::Foreign | Below::Nested => {
            tracing::info!(%host, ?below, "no tenant's host");
            Err(Problem::not_found())
        }
    }
}

/// The answer to what names no tenant of ours.
fn absent(reason: &'static str) -> Problem {
    tracing::info!(reason, "no tenant's address");
    Problem::not_found()
}
