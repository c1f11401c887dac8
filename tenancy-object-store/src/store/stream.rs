//! Streams that are one tenant's from when they are made to their last item, whoever polls them.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, Result};
use pin_project_lite::pin_project;

use super::scope::{Access, Scope};
use crate::Error;
use crate::error::{own_part, scrub};

/// A stream that refuses once, and ends.
pub(super) fn refused<T: Send + 'static>(error: Error) -> BoxStream<'static, Result<T>> {
    stream::once(async { Err(error.into()) }).boxed()
}

/// What was listed, by the tenant's own paths.
pub(super) fn list<S: ObjectStore>(
    scope: Scope<S>,
    found: BoxStream<'static, Result<ObjectMeta>>,
) -> BoxStream<'static, Result<ObjectMeta>> {
    let own = scope.prefix.clone();
    let map = move |meta: Result<ObjectMeta>| match meta {
        Ok(meta) => Ok(own.own_meta(meta)?),
        Err(error) => {
            let path = own_part(&error, own.path());
            Err(scrub(error, path))
        }
    };
    Guarded::new(scope, Access::Read, found.map(map)).boxed()
}

/// Deletes the tenant's objects at `locations`, and says which.
pub(super) fn delete<S: ObjectStore>(
    scope: Scope<S>,
    locations: BoxStream<'static, Result<Path>>,
) -> BoxStream<'static, Result<Path>> {
    let asking = scope.clone();
    // Asked before each one: what is suspended midway has the rest left alone, although the store reads ahead.
    let whole = move |location: Result<Path>| {
        asking.ensure(Access::Write)?;
        let whole = asking.prefix.object(&location?)?;
        asking.doubt();
        Ok(whole)
    };
    let gone = scope.store().delete_stream(locations.map(whole).boxed());
    let answering = scope.clone();
    let own = move |gone: Result<Path>| {
        // Gone by now at the latest; a count in between has not seen that.
        answering.doubt();
        match gone {
            Ok(whole) => Ok(answering.prefix.own(&whole)?),
            Err(error) => {
                let path = own_part(&error, answering.prefix.path());
                Err(scrub(error, path))
            }
        }
    };
    Guarded::new(scope, Access::Write, gone.map(own)).boxed()
}

/// The body of the object at a whole path.
pub(super) fn body<S: ObjectStore>(
    scope: Scope<S>,
    whole: Path,
    body: BoxStream<'static, Result<Bytes>>,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let own = scope.prefix.clone();
    let map = move |chunk: Result<Bytes>| match chunk {
        Ok(chunk) => Ok(chunk),
        Err(error) => Err(scrub(error, own.own(&whole)?)),
    };
    Guarded::new(scope, Access::Read, body.map(map))
}

pin_project! {
    /// A stream that asks before each poll whether the tenant still admits it and nobody else's scope polls it. If not, it
    /// says so once and ends; what is inside is not polled again.
    pub(super) struct Guarded<S, T> {
        scope: Scope<S>,
        access: Access,
        #[pin]
        stream: Option<T>,
    }
}

impl<S, T> Guarded<S, T> {
    fn new(scope: Scope<S>, access: Access, stream: T) -> Self {
        Self {
            scope,
            access,
            stream: Some(stream),
        }
    }
}

impl<S: ObjectStore, T, I> Stream for Guarded<S, T>
where
    T: Stream<Item = Result<I>>,
{
    type Item = Result<I>;

    fn poll_next(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let Some(stream) = this.stream.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        if let Err(error) = this.scope.ensure(*this.access) {
            this.stream.set(None);
            return Poll::Ready(Some(Err(error.into())));
        }
        let polled = stream.poll_next(task);
        if matches!(polled, Poll::Ready(None)) {
            this.stream.set(None);
        }
        polled
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // One more than the stream has: the refusal.
        let upper = self.stream.as_ref().map_or(Some(0), |stream| {
            stream.size_hint().1.and_then(|upper| upper.checked_add(1))
        });
        (0, upper)
    }
}
