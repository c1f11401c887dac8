//! What tests need to see of the first wall. Behind the feature `testing`, which adds and changes nothing else.

use deadpool_redis::redis::ConnectionInfo;
use deadpool_redis::redis::{Arg, Cmd};
use tenancy_core::{Secret, TenantId};

use crate::access;
use crate::command;
use crate::keyspace::{HashTag, Prefix};
use crate::{Refused, Result};

/// What would be sent for this command.
///
/// # Errors
/// [`Refused`] if it would not be sent.
pub fn rewritten(
    tenant: TenantId,
    tag: HashTag,
    arguments: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Refused> {
    let mut cmd = Cmd::new();
    for argument in arguments {
        cmd.arg(argument.as_slice());
    }
    let rewritten = command::rewrite(&cmd, &Prefix::of(tenant, tag))?.cmd;
    Ok(rewritten
        .args_iter()
        .map(|argument| match argument {
            Arg::Simple(bytes) => bytes.to_vec(),
            _ => Vec::new(),
        })
        .collect())
}

/// The prefix of a tenant's keys.
#[must_use]
pub fn prefix(tenant: TenantId, tag: HashTag) -> String {
    Prefix::of(tenant, tag).as_str().to_owned()
}

/// The names of all commands that pass.
#[must_use]
pub fn passing() -> Vec<&'static str> {
    command::passing().map(command::Entry::name).collect()
}

/// How a tenant's own user logs in to this server: a bare connection, to see the server's wall stand alone.
#[must_use]
pub fn login(server: ConnectionInfo, secret: &Secret, tenant: TenantId) -> ConnectionInfo {
    access::login(server, secret, tenant)
}
