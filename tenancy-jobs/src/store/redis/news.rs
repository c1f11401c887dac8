//! `RedisHints`: what other processes publish when they have sent something.

use std::time::Duration;

use deadpool_redis::redis::aio::{PubSub, PubSubSink, PubSubStream};
use deadpool_redis::redis::{Msg, RedisError};
use futures_util::StreamExt as _;

use super::super::{Answer, Hints, StoreError};

/// After how long without news the connection is asked whether it is there, and how long that may take.
const SILENCE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct RedisHints {
    sink: PubSubSink,
    stream: PubSubStream,
    /// What this process says itself.
    own: String,
}

impl RedisHints {
    pub(super) fn new(heard: PubSub, own: String) -> Self {
        let (sink, stream) = heard.split();
        Self { sink, stream, own }
    }

    /// The queue that somebody else named.
    fn read(&self, message: &Msg) -> Option<String> {
        let payload: String = message.get_payload().ok()?;
        let (sender, queue) = payload.split_once(' ')?;
        (sender != self.own).then(|| queue.to_owned())
    }
}

impl Hints for RedisHints {
    fn next(&mut self) -> Answer<'_, String> {
        Box::pin(async move {
            loop {
                match tokio::time::timeout(SILENCE, self.stream.next()).await {
                    Ok(Some(message)) => {
                        if let Some(queue) = self.read(&message) {
                            return Ok(queue);
                        }
                    }
                    Ok(None) => {
                        let ended = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
                        return Err(RedisError::from(ended).into());
                    }
                    Err(_) => {
                        let ping = tokio::time::timeout(PATIENCE, self.sink.ping::<String>());
                        let _: String = ping.await.map_err(|_| StoreError::late("answer"))??;
                    }
                }
            }
        })
    }
}
