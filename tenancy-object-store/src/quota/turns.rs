//! `Turns`: nobody writes to an object while it is copied, because only the store knows how large the copy becomes.

use std::hash::{DefaultHasher, Hash, Hasher};

use object_store::path::Path;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Paths that share a lock wait for each other now and then; a lock for each path would have to be forgotten again.
const STRIPES: usize = 8;

/// The locks of one tenant's paths.
#[derive(Debug, Default)]
pub(crate) struct Turns([RwLock<()>; STRIPES]);

/// While this lives, what it was taken for does not change under it.
#[derive(Debug)]
#[must_use = "the turn is over when this is dropped"]
pub(crate) struct Turn<'a> {
    _source: Option<RwLockWriteGuard<'a, ()>>,
    _target: Option<RwLockReadGuard<'a, ()>>,
}

impl Turns {
    fn stripe(path: &Path) -> usize {
        let mut hasher = DefaultHasher::new();
        path.hash(&mut hasher);
        usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default()
    }

    /// To write an object. Writers don't wait for each other.
    pub(crate) async fn write(&self, path: &Path) -> Turn<'_> {
        let target = match self.0.get(Self::stripe(path)) {
            Some(lock) => Some(lock.read().await),
            None => None,
        };
        Turn {
            _source: None,
            _target: target,
        }
    }

    /// To read an object that nobody may write meanwhile.
    pub(crate) async fn copy_from(&self, path: &Path) -> Turn<'_> {
        let source = match self.0.get(Self::stripe(path)) {
            Some(lock) => Some(lock.write().await),
            None => None,
        };
        Turn {
            _source: source,
            _target: None,
        }
    }

    /// To copy one object to another. Everybody takes the locks in the same order.
    pub(crate) async fn copy(&self, from: &Path, to: &Path) -> Turn<'_> {
        let (source, target) = (Self::stripe(from), Self::stripe(to));
        let (mut turn, other) = if source <= target {
            (self.copy_from(from).await, to)
        } else {
            (self.write(to).await, from)
        };
        if source < target {
            turn._target = self.write(other).await._target;
        } else if source > target {
            turn._source = self.copy_from(other).await._source;
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_writer_waits_for_a_copy_and_copies_never_for_each_other_for_ever() {
        let turns = Turns::default();
        let paths: Vec<_> = (0..40).map(|n| Path::from(format!("{n}"))).collect();
        for from in &paths {
            for to in &paths {
                let turn = turns.copy(from, to).now_or_never().unwrap();
                assert!(turns.write(from).now_or_never().is_none());
                assert!(turns.copy(from, to).now_or_never().is_none());
                drop(turn);
                let writer = turns.write(from).now_or_never().unwrap();
                assert!(turns.write(from).now_or_never().is_some());
                assert!(turns.copy(from, to).now_or_never().is_none());
                drop(writer);
                // A task that never waits is made to by the runtime.
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn copies_back_and_forth_come_to_an_end() {
        let turns = std::sync::Arc::new(Turns::default());
        let tasks = (0..400_usize).map(|n| {
            let turns = turns.clone();
            let (from, to) = (
                Path::from(format!("{}", n % 7)),
                Path::from(format!("{}", n % 11)),
            );
            async move {
                let _turn = turns.copy(&from, &to).await;
                tokio::task::yield_now().await;
            }
        });
        futures_util::future::join_all(tasks).await;
    }
}
