//! `TenantSubscription`: messages of one tenant's channels, for as long as the tenant is open for work.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use deadpool_redis::redis::Msg;
use deadpool_redis::redis::aio::{PubSubSink, PubSubStream};
use futures_core::Stream;
use tenancy_core::TenantContext;
use tokio::time::{Interval, MissedTickBehavior};

use super::pool::TenantRedisPool;
use crate::keyspace::Prefix;
use crate::{Error, Result};

/// How often a silent subscription asks whether its tenant is still open.
const CHECK: Duration = Duration::from_secs(1);

/// A message on one of the tenant's channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantMessage {
    channel: String,
    payload: Vec<u8>,
}

impl TenantMessage {
    /// The channel, without the tenant's prefix.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// What was published.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Messages of one tenant's channels, from [`TenantRedisPool::subscribe`].
///
/// It keeps the tenant it was made for, whoever polls it and wherever, except inside another tenant's scope, where it gives
/// an error. It ends with an error within a second once the tenant is suspended, and when the connection is lost; messages
/// that were published meanwhile are gone, as always with Redis.
pub struct TenantSubscription {
    stream: PubSubStream,
    // Dropping it would end the subscription.
    _sink: PubSubSink,
    cx: TenantContext,
    prefix: Prefix,
    check: Interval,
    is_over: bool,
}

impl TenantRedisPool {
    /// Subscribes to channels of the tenant.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Example: two tenants, one name of a channel
    /// ```
    /// use futures_util::StreamExt;
    /// use tenancy_cache::TenantRedisPool;
    /// use tenancy_cache::redis::AsyncTypedCommands;
    /// # use tenancy_core::{Actor, Tenant, TenantContext, TenantId, TenantSlug};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = tenancy_testkit::RedisServer::shared().await?;
    /// # let url = server.url();
    /// # let open = |slug| TenantContext::for_request(Tenant::builder(TenantId::new_v7(), TenantSlug::parse(slug)?).build()?.into(), Actor::user("u"));
    /// # let (acme, globex) = (open("acme")?, open("globex")?);
    /// let pool = TenantRedisPool::builder(url).build()?;
    /// let mut news = pool.for_tenant(&acme).subscribe(&["news"]).await?;
    ///
    /// assert_eq!(pool.for_tenant(&globex).get().await?.publish("news", "for globex").await?, 0);
    /// assert_eq!(pool.for_tenant(&acme).get().await?.publish("news", "for acme").await?, 1);
    /// let message = news.next().await.unwrap()?;
    /// assert_eq!((message.channel(), message.payload()), ("news", &b"for acme"[..]));
    ///
    /// assert!(pool.subscribe(&["news"]).await.is_err(), "of no tenant");
    /// # Ok(()) }
    /// ```
    pub async fn subscribe(&self, channels: &[&str]) -> Result<TenantSubscription> {
        self.subscription(channels, false).await
    }

    /// Subscribes to the channels of the tenant that match glob patterns.
    ///
    /// With [access lists](super::TenantRedisPoolBuilder::access_lists) this goes through the service's own user: a server
    /// admits a pattern only if the list spells it out, so that it can't confine these to a tenant.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn psubscribe(&self, patterns: &[&str]) -> Result<TenantSubscription> {
        self.subscription(patterns, true).await
    }

    async fn subscription(&self, names: &[&str], are_patterns: bool) -> Result<TenantSubscription> {
        let cx = self.context()?;
        let prefix = self.prefix(&cx);
        let names: Vec<String> = names.iter().map(|name| prefix.on(name)).collect();
        let client = if are_patterns {
            self.service_client()
        } else {
            self.client_of(cx.tenant_id())?
        };
        let (mut sink, stream) = client.get_async_pubsub().await?.split();
        if are_patterns {
            sink.psubscribe(names).await?;
        } else {
            sink.subscribe(names).await?;
        }
        let mut check = tokio::time::interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(TenantSubscription {
            stream,
            _sink: sink,
            cx,
            prefix,
            check,
            is_over: false,
        })
    }
}

impl TenantSubscription {
    fn message(&self, message: &Msg) -> Result<TenantMessage> {
        let channel = message.get_channel_name();
        Ok(TenantMessage {
            channel: channel
                .strip_prefix(self.prefix.as_str())
                .ok_or(Error::Reply)?
                .to_owned(),
            payload: message.get_payload_bytes().to_vec(),
        })
    }
}

impl Stream for TenantSubscription {
    type Item = Result<TenantMessage>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.cx.ensure_not_elsewhere()?;
        while self.check.poll_tick(task).is_ready() {}
        if let Err(suspended) = self.cx.ensure_live() {
            self.is_over = true;
            return Poll::Ready(Some(Err(suspended.into())));
        }
        match Pin::new(&mut self.stream).poll_next(task) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(message)) => Poll::Ready(Some(self.message(&message))),
            Poll::Ready(None) => {
                self.is_over = true;
                let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                Poll::Ready(Some(Err(Error::Unreachable(std::sync::Arc::new(lost)))))
            }
        }
    }
}

impl fmt::Debug for TenantSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantSubscription")
            .field("tenant", &self.cx.tenant_id())
            .finish_non_exhaustive()
    }
}
