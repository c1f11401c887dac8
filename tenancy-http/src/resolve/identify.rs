//! From evidence to a context: credentials are verified, every name is looked up, all must agree, and the user must belong.

use std::sync::Arc;

use tenancy_core::{Actor, AuditKind, Error, LookupKey, Tenant, TenantContext, TenantId};

use super::admit::{find, judge};
use super::api_key;
use super::claim::{Evidence, Named, Source};
use super::layer::Rules;
use super::membership::Members;
use super::session::SessionHash;
use crate::Problem;

/// A tenant, and where it was named.
type Found = (Source, Arc<Tenant>);

/// What was found out so far.
struct Findings {
    found: Vec<Found>,
    /// Everybody who was authenticated: one at most, in the end.
    actors: Vec<Actor>,
}

/// Decides whose request it is. `None` if nothing in it names a tenant in the end.
///
/// Credentials are looked at first and for any host, so that the answer to a bad one says nothing about the host.
pub(super) async fn identify(
    rules: Arc<Rules>,
    evidence: Evidence,
) -> Result<Option<TenantContext>, Problem> {
    let Evidence {
        host,
        others,
        api_key,
        token,
        sessions,
        peer,
    } = evidence;
    let on_own_host = host.is_some();
    let mut findings = Findings {
        found: Vec::new(),
        actors: Vec::new(),
    };
    let mut named: Vec<Named> = Vec::new();
    if let Some((tenant, actor)) = peer {
        named.push((Source::Peer, LookupKey::Id(tenant)));
        if !actor.is_anonymous() {
            findings.actors.push(actor);
        }
    }
    if let Some(token) = token {
        let (keys, actor) = verified(&rules, &token).await?;
        named.extend(keys.into_iter().map(|key| (Source::Token, key)));
        findings.actors.push(actor);
    }
    if let Some(hash) = api_key {
        let found = rules.registry.lookup(&LookupKey::ApiKey(hash)).await;
        let tenant = found
            .map_err(|error| Problem::reported(&error, None))?
            .ok_or_else(|| api_key::refused("the registry knows no such key"))?;
        if let Some(keys) = &rules.sources.api_keys {
            keys.mark(hash);
        }
        findings.found.push((Source::ApiKey, tenant));
        findings.actors.push(Actor::service("api key"));
    }
    for (source, key) in host.into_iter().chain(others).chain(named) {
        let tenant = find(&*rules.registry, &key).await?;
        findings.found.push((source, tenant));
    }
    agree(&rules, &findings, &sessions, on_own_host).await?;
    settle(&rules, findings, &sessions).await
}

/// Verifies a token: which tenant it names, and whom.
#[cfg(feature = "jwt")]
async fn verified(rules: &Rules, token: &str) -> Result<(Vec<LookupKey>, Actor), Problem> {
    match &rules.sources.tokens {
        Some(tokens) => tokens.verify(token).await,
        None => Err(Problem::unauthorized()),
    }
}

#[cfg(not(feature = "jwt"))]
async fn verified(_: &Rules, _: &str) -> Result<(Vec<LookupKey>, Actor), Problem> {
    Err(Problem::unauthorized())
}

/// Refuses unless all that was found is one tenant, and no cookie names another on a host of its own.
async fn agree(
    rules: &Rules,
    findings: &Findings,
    sessions: &[(TenantId, SessionHash)],
    on_own_host: bool,
) -> Result<(), Problem> {
    let Some((_, first)) = findings.found.first() else {
        return Ok(());
    };
    let is_other = |id: TenantId| id != first.id();
    let has_other_session = on_own_host && sessions.iter().any(|(id, _)| is_other(*id));
    if !has_other_session
        && !findings
            .found
            .iter()
            .any(|(_, tenant)| is_other(tenant.id()))
    {
        return Ok(());
    }
    let mut sources: Vec<String> = Vec::new();
    for (source, tenant) in &findings.found {
        tracing::warn!(%source, tenant.id = %tenant.id(), "a source of a request that names several tenants");
        sources.push(source.to_string());
    }
    if has_other_session {
        sources.push(Source::Session.to_string());
    }
    // The event is about the tenant whose address was used, or else whose credential.
    let about = findings
        .found
        .iter()
        .find(|(source, _)| {
            matches!(
                source,
                Source::Subdomain | Source::CustomDomain | Source::Path
            )
        })
        .map_or(first, |(_, tenant)| tenant)
        .id();
    let actor = findings
        .actors
        .first()
        .cloned()
        .unwrap_or_else(Actor::anonymous);
    let reason = format!(
        "the request's sources name different tenants: {}",
        sources.join(", ")
    );
    rules
        .sources
        .reports
        .tell(AuditKind::RefusedMismatch, about, actor, reason)
        .await;
    Err(Problem::not_found())
}

/// Makes the context of the one tenant that was found, with the user of its session if nobody else was authenticated.
async fn settle(
    rules: &Rules,
    findings: Findings,
    sessions: &[(TenantId, SessionHash)],
) -> Result<Option<TenantContext>, Problem> {
    let Findings {
        mut found,
        mut actors,
    } = findings;
    let by_session_alone = found.is_empty();
    let tenant = match (found.pop(), sessions) {
        (Some((_, tenant)), _) => tenant,
        (None, [(id, _)]) => find(&*rules.registry, &LookupKey::Id(*id)).await?,
        (None, _) => return Ok(None),
    };
    let id = tenant.id();
    let problem = |error: Error| Problem::reported(&error, None);
    let anonymous =
        TenantContext::for_request(Arc::clone(&tenant), Actor::anonymous()).map_err(problem)?;
    let user = match (
        &rules.sources.sessions,
        sessions.iter().find(|(of, _)| *of == id),
    ) {
        (Some(sessions), Some((_, hash))) => {
            sessions.user(&anonymous, hash).await.map_err(problem)?
        }
        _ => None,
    };
    actors.extend(user);
    let Some(actor) = actors.pop() else {
        return Ok((!by_session_alone).then_some(anonymous));
    };
    if actors.iter().any(|other| *other != actor) {
        let reason = "the request authenticates two different actors".to_owned();
        let reports = &rules.sources.reports;
        reports
            .tell(AuditKind::RefusedMismatch, id, actor, reason)
            .await;
        return Err(Problem::not_found());
    }
    let context = TenantContext::for_request(tenant, actor).map_err(problem)?;
    belong(rules, &context).await?;
    Ok(Some(context))
}

/// Refuses a user who is no member. Services and keys are not asked about.
async fn belong(rules: &Rules, context: &TenantContext) -> Result<(), Problem> {
    if context.actor().kind() != tenancy_core::ActorKind::User {
        return Ok(());
    }
    let is_member = match &rules.sources.members {
        Some(Members::Asked(members)) => context
            .scope(async { members.is_member(context).await })
            .await
            .and_then(|answer| answer)
            .map_err(|error| Problem::reported(&error, None))?,
        Some(Members::VouchedFor) => true,
        None => false,
    };
    if is_member {
        return Ok(());
    }
    let reason = "an authenticated user is no member of the tenant".to_owned();
    rules
        .sources
        .reports
        .tell(
            AuditKind::RefusedStranger,
            context.tenant_id(),
            context.actor().clone(),
            reason,
        )
        .await;
    Err(Problem::not_found())
}

/// The fast way: one place names the tenant and nobody is authenticated.
pub(super) async fn admit(
    rules: Arc<Rules>,
    (_, key): Named,
) -> Result<Option<TenantContext>, Problem> {
    let tenant = find(&*rules.registry, &key).await?;
    judge(tenant).map(Some)
}
