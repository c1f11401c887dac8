//! Streams that are one tenant's from when they are made to their last item, whoever polls them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

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
    Guarded::new(scope, Access::Read, found, Listed).boxed()
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
    Guarded::new(scope, Access::Write, gone, Deleted).boxed()
}

/// The body of the object at a whole path.
pub(super) fn body<S: ObjectStore>(
    scope: Scope<S>,
    whole: Path,
    body: BoxStream<'static, Result<Bytes>>,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    Guarded::new(scope, Access::Read, body, Read { whole })
}

/// How what a store answers is made the tenant's: in its place, as a listing has many.
trait Own<S, I> {
    fn item(&self, scope: &Scope<S>, item: &mut I) -> crate::Result<()>;

    fn error(&self, scope: &Scope<S>, error: object_store::Error) -> object_store::Error {
        let path = own_part(&error, scope.prefix.path());
        scrub(error, path)
    }
}

struct Listed;

impl<S> Own<S, ObjectMeta> for Listed {
    fn item(&self, scope: &Scope<S>, meta: &mut ObjectMeta) -> crate::Result<()> {
        meta.location = scope.prefix.own(&meta.location)?;
        Ok(())
    }
}

struct Deleted;

impl<S: ObjectStore> Own<S, Path> for Deleted {
    /// Gone by now at the latest; a count in between has not seen that.
    fn item(&self, scope: &Scope<S>, gone: &mut Path) -> crate::Result<()> {
        scope.doubt();
        *gone = scope.prefix.own(gone)?;
        Ok(())
    }

    fn error(&self, scope: &Scope<S>, error: object_store::Error) -> object_store::Error {
        scope.doubt();
        Own::<S, ObjectMeta>::error(&Listed, scope, error)
    }
}

struct Read {
    whole: Path,
}

impl<S> Own<S, Bytes> for Read {
    fn item(&self, _: &Scope<S>, _: &mut Bytes) -> crate::Result<()> {
        Ok(())
    }

    fn error(&self, scope: &Scope<S>, error: object_store::Error) -> object_store::Error {
        match scope.prefix.own(&self.whole) {
            Ok(own) => scrub(error, own),
            Err(foreign) => foreign.into(),
        }
    }
}

pin_project! {
    /// A stream that asks before each poll whether the tenant still admits it and nobody else's scope polls it. If not, it
    /// says so once and ends; what is inside is not polled again.
    struct Guarded<S, T, O> {
        scope: Scope<S>,
        access: Access,
        #[pin]
        stream: Option<T>,
        own: O,
    }
}

impl<S, T, O> Guarded<S, T, O> {
    fn new(scope: Scope<S>, access: Access, stream: T, own: O) -> Self {
        Self {
            scope,
            access,
            stream: Some(stream),
            own,
        }
    }
}

impl<S, T, O, I> Stream for Guarded<S, T, O>
where
    S: ObjectStore,
    T: Stream<Item = Result<I>>,
    O: Own<S, I>,
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
        let mut next = ready!(stream.poll_next(task));
        match &mut next {
            Some(Ok(item)) => {
                if let Err(refused) = this.own.item(this.scope, item) {
                    next = Some(Err(refused.into()));
                }
            }
            Some(Err(_)) => {
                next = next.map(|item| item.map_err(|error| this.own.error(this.scope, error)));
            }
            None => this.stream.set(None),
        }
        Poll::Ready(next)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // One more than the stream has: the refusal.
        let upper = self.stream.as_ref().map_or(Some(0), |stream| {
            stream.size_hint().1.and_then(|upper| upper.checked_add(1))
        });
        (0, upper)
    }
}
