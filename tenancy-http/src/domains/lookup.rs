//! [`TxtLookup`]: how TXT records are read; [`SystemDns`] does it as the system is configured.

use std::fmt::Debug;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tenancy_core::Error;

/// Reads TXT records.
///
/// Use a resolver that an attacker can't feed: one that validates DNSSEC, or asks the zone's own servers over a network that is
/// yours.
pub trait TxtLookup: Debug + Send + Sync + 'static {
    /// The TXT records at a name, the strings of each put together. No such name, and no records, is an empty answer.
    ///
    /// # Errors
    /// [`ErrorKind::RegistryUnavailable`](tenancy_core::ErrorKind::RegistryUnavailable) if that could not be found out.
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Error>>;
}

#[deny(clippy::missing_trait_methods)]
impl<L: TxtLookup + ?Sized> TxtLookup for Arc<L> {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Error>> {
        (**self).txt(name)
    }
}

#[cfg(feature = "dns")]
pub use system::SystemDns;

#[cfg(feature = "dns")]
mod system {
    use std::net::SocketAddr;

    use futures_core::future::BoxFuture;
    use hickory_resolver::TokioResolver;
    use hickory_resolver::config::{
        ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts,
    };
    use hickory_resolver::net::runtime::TokioRuntimeProvider;
    use hickory_resolver::proto::rr::RData;
    use tenancy_core::{Error, ErrorKind};

    use super::TxtLookup;

    /// Asks the name servers that the system is configured with, or others, without keeping answers: a tenant who added a
    /// record a moment ago is told so.
    #[derive(Clone)]
    pub struct SystemDns(TokioResolver);

    impl SystemDns {
        /// The name servers of the system.
        ///
        /// # Errors
        /// `ApiMisuse` if its configuration can't be read.
        pub fn new() -> Result<Self, Error> {
            let builder = TokioResolver::builder_tokio().map_err(misconfigured)?;
            Self::build(builder)
        }

        /// One name server, asked over UDP, and over TCP if the answer is long.
        ///
        /// # Errors
        /// `ApiMisuse` if the resolver can't be set up.
        pub fn at(server: SocketAddr) -> Result<Self, Error> {
            let connections =
                [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
            let server = NameServerConfig::new(server.ip(), true, connections.into());
            let config = ResolverConfig::from_parts(None, vec![], vec![server]);
            Self::build(TokioResolver::builder_with_config(
                config,
                TokioRuntimeProvider::default(),
            ))
        }

        fn build(
            builder: hickory_resolver::ResolverBuilder<TokioRuntimeProvider>,
        ) -> Result<Self, Error> {
            let mut builder = builder;
            let options: &mut ResolverOpts = builder.options_mut();
            options.cache_size = 0;
            options.ndots = 0;
            builder.build().map(Self).map_err(misconfigured)
        }
    }

    fn misconfigured(error: impl std::error::Error + Send + Sync + 'static) -> Error {
        Error::new(ErrorKind::ApiMisuse, "the name servers can't be set up").with_source(error)
    }

    impl std::fmt::Debug for SystemDns {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("SystemDns(..)")
        }
    }

    #[deny(clippy::missing_trait_methods)]
    impl TxtLookup for SystemDns {
        fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Error>> {
            // Fully qualified: the system's search list has no say.
            let name = format!("{}.", name.trim_end_matches('.'));
            Box::pin(async move {
                let found = match self.0.txt_lookup(name).await {
                    Ok(found) => found,
                    Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
                    Err(error) => {
                        return Err(Error::new(
                            ErrorKind::RegistryUnavailable,
                            "the name servers can't be asked just now",
                        )
                        .with_source(error));
                    }
                };
                let records = found
                    .answers()
                    .iter()
                    .filter_map(|record| match &record.data {
                        RData::TXT(text) => Some(
                            text.txt_data
                                .iter()
                                .map(|part| String::from_utf8_lossy(part).into_owned())
                                .collect(),
                        ),
                        _ => None,
                    });
                Ok(records.collect())
            })
        }
    }
}
