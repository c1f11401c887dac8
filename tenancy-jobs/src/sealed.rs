//! `Sealed`: a job as it travels, signed. What it says is believed only after [`Sealed::open`].

use serde::{Deserialize, Serialize};
use tenancy_core::{Envelope, ErrorKind, TenantContext, TenantId, TenantRegistry};

use crate::job::{Enqueue, JobId, millis};
use crate::keys::JobKeys;
use crate::{Error, Job, Refusal, Result};

/// How long a type's name or a key may be.
const NAME_MOST: usize = 64;
const KEY_MOST: usize = 200;

/// A job as it travels: in the queue's table, in a tenant's outbox, in Redis.
///
/// All of it may have been written by anybody who can write there.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) name: String,
    pub(crate) version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// `Envelope<String>` as JSON: tenant, actor, trace, and the payload as JSON.
    pub(crate) body: String,
    pub(crate) signer: String,
    pub(crate) mark: Vec<u8>,
    /// Not signed: a retry changes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_at: Option<i64>,
    pub(crate) max_attempts: i64,
}

/// What a sealed job holds.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) context: TenantContext,
    pub(crate) payload: String,
}

impl Sealed {
    /// Seals a job for the tenant of `cx`.
    pub(crate) fn seal<J: Job>(
        cx: &TenantContext,
        keys: &JobKeys,
        job: &J,
        how: &Enqueue,
        most: usize,
    ) -> Result<Self> {
        cx.ensure_live()?;
        cx.ensure_not_elsewhere()?;
        if J::NAME.is_empty() || J::NAME.len() > NAME_MOST {
            return Err(Error::Config("the name of a job has 1 to 64 bytes"));
        }
        if how
            .key
            .as_ref()
            .is_some_and(|key| key.len() > KEY_MOST || key.contains('\0'))
        {
            return Err(Error::Config(
                "the key of a job has at most 200 bytes, none of them 0",
            ));
        }
        let payload = serde_json::to_string(job).map_err(Error::Encode)?;
        let body =
            serde_json::to_string(&Envelope::seal_for(cx, payload)).map_err(Error::Encode)?;
        if body.len() > most {
            return Err(Error::TooLarge {
                bytes: body.len(),
                most,
            });
        }
        let mut sealed = Self {
            id: JobId::fresh().to_string(),
            tenant: cx.tenant_id().to_string(),
            name: J::NAME.to_owned(),
            version: i64::from(J::VERSION),
            key: how.key.clone(),
            body,
            signer: String::new(),
            mark: Vec::new(),
            run_at: how.at.map(millis),
            max_attempts: i64::from(how.max_attempts.unwrap_or(J::MAX_ATTEMPTS).max(1)),
        };
        (sealed.signer, sealed.mark) = sealed.with_parts(|parts| keys.sign(parts));
        Ok(sealed)
    }

    /// What is signed.
    fn with_parts<R>(&self, f: impl FnOnce(&[&[u8]]) -> R) -> R {
        let version = self.version.to_be_bytes();
        let (has_key, key): (&[u8], &[u8]) = match &self.key {
            Some(key) => (b"1", key.as_bytes()),
            None => (b"0", b""),
        };
        f(&[
            self.id.as_bytes(),
            self.tenant.as_bytes(),
            self.name.as_bytes(),
            &version,
            has_key,
            key,
            self.body.as_bytes(),
        ])
    }

    /// Refuses what is not ours; answers whom it is for.
    pub(crate) fn verify(&self, keys: &JobKeys) -> Result<(TenantId, Envelope<String>), Refusal> {
        let tenant = TenantId::parse(&self.tenant).map_err(|_| Refusal::NoTenant)?;
        self.with_parts(|parts| keys.verify(&self.signer, &self.mark, parts))?;
        let envelope: Envelope<String> =
            serde_json::from_str(&self.body).map_err(|_| Refusal::NoTenant)?;
        if envelope.tenant_id() != tenant {
            return Err(Refusal::Forged);
        }
        Ok((tenant, envelope))
    }

    /// Verifies, and asks the registry again whom it is for.
    pub(crate) async fn open(
        &self,
        keys: &JobKeys,
        registry: &dyn TenantRegistry,
    ) -> Result<Opened, Refusal> {
        let (_, envelope) = self.verify(keys)?;
        match envelope.open(registry).await {
            Ok((context, payload)) => Ok(Opened { context, payload }),
            Err(error) => Err(match error.kind() {
                ErrorKind::UnknownTenant => Refusal::UnknownTenant,
                ErrorKind::Suspended => Refusal::Suspended,
                ErrorKind::WrongTenant => Refusal::Misplaced,
                _ => Refusal::RegistryUnavailable,
            }),
        }
    }
}
