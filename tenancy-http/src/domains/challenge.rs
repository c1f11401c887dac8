//! [`Challenge`]: the DNS record that proves that a tenant holds a domain.

use tenancy_core::{DomainName, Error, Secret, TenantId};

use super::lookup::TxtLookup;

/// What a tenant must put into the DNS of a domain to prove that it is theirs: one TXT record.
///
/// Its value is derived from the service's secret, the tenant and the domain, so it needs no storage, is the same whenever it
/// is asked for, and is of no use to another tenant: whoever copies a record proves the claim of the one whose it is.
///
/// # Example: not yet, and then
/// ```
/// use futures_core::future::BoxFuture;
/// use tenancy_core::{DomainName, Error, Secret, TenantId};
/// use tenancy_http::domains::{Challenge, TxtLookup};
///
/// /// The records of a zone.
/// #[derive(Debug)]
/// struct Zone(Vec<(String, String)>);
///
/// impl TxtLookup for Zone {
///     fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Error>> {
///         let found = self.0.iter().filter(|(at, _)| at == name).map(|(_, value)| value.clone()).collect();
///         Box::pin(async move { Ok(found) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Error> {
/// let secret = Secret::new("a secret of at least sixteen bytes")?;
/// let domain = DomainName::parse("crm.acme.org")?;
/// let of = |tenant: &str| Ok::<_, Error>(Challenge::new(&secret, TenantId::parse(tenant)?, &domain));
///
/// let challenge = of("1")?;
/// assert_eq!(challenge.name(), "_tenancy-challenge.crm.acme.org");
/// assert!(!challenge.is_met(&Zone(vec![])).await?);
///
/// let zone = Zone(vec![(challenge.name().to_owned(), challenge.value().to_owned())]);
/// assert!(challenge.is_met(&zone).await?);
/// assert!(!of("2")?.is_met(&zone).await?, "it proves nothing for another tenant");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    name: String,
    value: String,
}

impl Challenge {
    /// The challenge of a tenant for a domain.
    #[must_use]
    pub fn new(secret: &Secret, tenant: TenantId, domain: &DomainName) -> Self {
        // No role has a NUL in its name, so this is no role's password.
        let proof = secret.password_for(&format!("domain challenge\0{tenant}\0{domain}"));
        Self {
            name: format!("_tenancy-challenge.{domain}"),
            value: format!("tenancy-verification={proof}"),
        }
    }

    /// Where the record belongs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether the record is there now, among others or alone.
    ///
    /// Ask again from time to time for domains that were verified: one that was sold has another owner.
    ///
    /// # Errors
    /// What the lookup says: "could not ask" is never "not there".
    pub async fn is_met(&self, dns: &dyn TxtLookup) -> Result<bool, Error> {
        let records = dns.txt(&self.name).await?;
        Ok(records.iter().any(|record| record.trim() == self.value))
    }
}
