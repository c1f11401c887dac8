//! `ScopedUpload`: an upload in parts that is one tenant's, holds room for what it was given, and leaves nothing behind when
//! it is dropped.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, PutPayload, PutResult, Result, UploadPart};

use super::scope::{Access, Scope};
use crate::Error;
use crate::error::scrub;
use crate::quota::Reservation;

pub(super) struct ScopedUpload<S: ObjectStore> {
    shared: Arc<Shared<S>>,
    location: Path,
    /// `None` once it is completed or aborted.
    upload: Option<Box<dyn MultipartUpload>>,
    /// Bytes of all parts that were handed over.
    given: u64,
}

/// What the parts under way share with their upload.
struct Shared<S> {
    scope: Scope<S>,
    /// `None` without limits.
    room: Option<Mutex<Room>>,
}

struct Room {
    /// `None` once the upload has ended.
    held: Option<Reservation>,
    /// A part was refused, so the object would be another than was meant.
    is_refused: bool,
}

impl<S: ObjectStore> ScopedUpload<S> {
    pub(super) fn new(
        scope: Scope<S>,
        location: Path,
        upload: Box<dyn MultipartUpload>,
        room: Option<Reservation>,
    ) -> Self {
        let room = room.map(|held| {
            Mutex::new(Room {
                held: Some(held),
                is_refused: false,
            })
        });
        Self {
            shared: Arc::new(Shared { scope, room }),
            location,
            upload: Some(upload),
            given: 0,
        }
    }
}

impl<S: ObjectStore> Shared<S> {
    fn room(&self) -> Option<std::sync::MutexGuard<'_, Room>> {
        Some(
            self.room
                .as_ref()?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Room for `bytes` more.
    async fn grow(&self, bytes: u64) -> Result<(), Error> {
        if self.room.is_none() || bytes == 0 {
            return Ok(());
        }
        let more = self.scope.reserve(bytes, 0).await;
        let Some(mut room) = self.room() else {
            return Ok(());
        };
        match (more, &mut room.held) {
            (Ok(Some(more)), Some(held)) => held.absorb(more),
            (Err(error), _) => {
                room.is_refused = true;
                return Err(error);
            }
            _ => {}
        }
        Ok(())
    }
}

fn ended() -> Error {
    Error::Config("this upload has ended; begin another one")
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore> MultipartUpload for ScopedUpload<S> {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let shared = Arc::clone(&self.shared);
        let bytes = data.content_length() as u64;
        let given = self.given.saturating_add(bytes);
        self.given = given;
        let begun = shared.scope.ensure(Access::Write).and_then(|()| {
            if let Some(meter) = shared.scope.meter() {
                meter.ensure_object_fits(shared.scope.cx.tenant(), given)?;
            }
            let upload = self.upload.as_mut().ok_or_else(ended)?;
            // Takes the part's number now; nothing is sent before the future is polled.
            Ok(upload.put_part(data))
        });
        if begun.is_err()
            && let Some(mut room) = shared.room()
        {
            room.is_refused = true;
        }
        let location = self.location.clone();
        Box::pin(async move {
            let part = begun?;
            shared.scope.ensure(Access::Write)?;
            shared.grow(bytes).await?;
            part.await.map_err(|error| scrub(error, location))
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let scope = &self.shared.scope;
        scope.ensure(Access::Write)?;
        if self.upload.is_none() {
            return Err(ended().into());
        }
        let (held, is_refused) = self.shared.room().map_or((self.given, false), |room| {
            let held = room.held.as_ref().map_or(0, |held| held.held().bytes);
            (held, room.is_refused)
        });
        if is_refused {
            self.abort().await?;
            return Err(Error::Config("a part of this upload was refused; it was aborted").into());
        }
        // A part whose future was never polled has taken no room yet, and some stores have it all the same.
        self.shared.grow(self.given.saturating_sub(held)).await?;
        let account = scope.account();
        let _turn = match &account {
            Some(account) => Some(account.turns.write(&self.location).await),
            None => None,
        };
        scope.ensure(Access::Write)?;
        let mut room = self.shared.room().and_then(|mut room| room.held.take());
        if let Some(room) = &mut room {
            room.begin();
        }
        let Some(upload) = &mut self.upload else {
            return Err(ended().into());
        };
        let result = upload.complete().await;
        if let Some(room) = room {
            room.end(&result, false);
        }
        if result.is_ok() {
            self.upload = None;
        }
        result.map_err(|error| scrub(error, &self.location))
    }

    async fn abort(&mut self) -> Result<()> {
        // Also once the tenant is suspended: what is aborted leaves nothing.
        let cx = &self.shared.scope.cx;
        cx.ensure_not_elsewhere().map_err(Error::from)?;
        let mut upload = self.upload.take().ok_or_else(ended)?;
        let result = upload.abort().await;
        if let Some(mut room) = self.shared.room() {
            room.held = None;
        }
        result.map_err(|error| scrub(error, &self.location))
    }
}

impl<S: ObjectStore> Drop for ScopedUpload<S> {
    /// Parts that a store has taken would be kept, and paid for, until somebody aborts.
    #[expect(
        clippy::disallowed_methods,
        reason = "tidies up after one upload; the handle inside knows its place and asks for no tenant"
    )]
    fn drop(&mut self) {
        let Some(mut upload) = self.upload.take() else {
            return;
        };
        // Parts may be under way elsewhere and hold on to the rest.
        if let Some(mut room) = self.shared.room() {
            room.held = None;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(%error, "an upload that was dropped could not be aborted");
                }
            });
        }
    }
}

impl<S: ObjectStore> fmt::Debug for ScopedUpload<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedUpload")
            .field("location", &self.location)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}
