//! `Line`: the one connection over which a process talks to the queue's Redis. Commands of many tasks share it.

use std::fmt;
use std::time::Duration;

use deadpool_redis::redis::aio::{MultiplexedConnection, PubSub};
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, RedisError,
    RedisResult, ScriptInvocation,
};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::store::StoreError;

/// How long to wait for a connection, and for an answer.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// A connection that is made when it is needed, and anew after it broke.
///
/// It is of no tenant: what is sent over it is ours, and names tenants in its arguments only.
pub(super) struct Line {
    client: Client,
    config: AsyncConnectionConfig,
    /// With a number, so that whoever finds it broken does not throw away the next one.
    current: Mutex<Current>,
}

#[derive(Clone, Copy)]
enum Question<'a> {
    Script(&'a ScriptInvocation<'a>),
    Command(&'a Cmd),
}

#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    number: u64,
    /// When the last attempt failed, and how; `None` if it took too long.
    failed: Option<(Instant, Option<RedisError>)>,
    is_closed: bool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    pub(super) fn new(address: impl IntoConnectionInfo) -> RedisResult<Self> {
        Ok(Self {
            client: Client::open(address)?,
            config: AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECT))
                .set_response_timeout(Some(ANSWER)),
            current: Mutex::default(),
        })
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), StoreError> {
        let asked = Instant::now();
        let mut current = self.current.lock().await;
        if current.is_closed {
            return Err(StoreError::unsuited("the queue was closed"));
        }
        if let Some(connection) = &current.connection {
            return Ok((connection.clone(), current.number));
        }
        // Whoever waited for an attempt that failed has had it: many must not wait for one after the other.
        if let Some((at, error)) = &current.failed
            && *at > asked
        {
            return Err(not_connected(error.clone()));
        }
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&self.config);
        let made = tokio::time::timeout(CONNECT, connecting).await;
        match made.map_err(|_| None).and_then(|made| made.map_err(Some)) {
            Ok(made) => {
                current.number += 1;
                current.connection = Some(made.clone());
                Ok((made, current.number))
            }
            Err(error) => {
                current.failed = Some((Instant::now(), error.clone()));
                Err(not_connected(error))
            }
        }
    }

    /// Asks, and asks once more if the connection turns out to have died: whatever is asked may have been done the first time,
    /// and must not mind being done again.
    async fn ask<T: FromRedisValue>(&self, question: Question<'_>) -> Result<T, StoreError> {
        let mut is_second = false;
        loop {
            let (mut connection, number) = self.connection().await?;
            let answer = match question {
                Question::Script(script) => script.invoke_async(&mut connection).await,
                Question::Command(cmd) => cmd.query_async(&mut connection).await,
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) => {
                    self.after(&error, number).await;
                    if is_second || !error.is_connection_dropped() {
                        return Err(error.into());
                    }
                    is_second = true;
                }
            }
        }
    }

    /// Leaves a connection that is broken, late, or to a server that is no longer the one to write to.
    async fn after(&self, error: &RedisError, number: u64) {
        if error.is_unrecoverable_error() || error.is_timeout() || error.code() == Some("READONLY")
        {
            let mut current = self.current.lock().await;
            if current.number == number {
                current.connection = None;
            }
        }
    }

    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        self.ask(Question::Script(script)).await
    }

    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, StoreError> {
        self.ask(Question::Command(cmd)).await
    }

    /// A connection of its own that hears what is published.
    pub(super) async fn listen(&self, channel: &str) -> Result<PubSub, StoreError> {
        let listening = async {
            let mut heard = self.client.get_async_pubsub().await?;
            heard.subscribe(channel).await?;
            Ok::<_, RedisError>(heard)
        };
        let listening = tokio::time::timeout(CONNECT, listening).await;
        Ok(listening.map_err(|_| StoreError::late("connect"))??)
    }

    pub(super) async fn close(&self) {
        let mut current = self.current.lock().await;
        current.is_closed = true;
        current.connection = None;
    }
}

fn not_connected(error: Option<RedisError>) -> StoreError {
    error.map_or_else(|| StoreError::late("connect"), StoreError::from)
}
