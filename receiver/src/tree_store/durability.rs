//! [`Durability`]: making many files durable at once, and believing the disk when it says that it failed.
//!
//! One call syncs the whole file system. The handle is held from the start, so that an error of any write since
//! then is reported to it; but only once, and to whoever asks next. Therefore an error condemns everything written
//! before it: each commit remembers how many errors there had been when it began.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use seams::fs::Directory;

/// The one handle through which a client's files become durable together.
#[derive(Debug)]
pub(super) struct Durability {
    handle: Mutex<Arc<dyn Directory>>,
    failures: AtomicU64,
}

/// How many errors there had been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u64);

impl Durability {
    /// Everything written after this is covered.
    pub(super) fn new(handle: Arc<dyn Directory>) -> Self {
        Self { handle: Mutex::new(handle), failures: AtomicU64::new(0) }
    }

    /// From now on.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch(self.failures.load(Ordering::SeqCst))
    }

    /// A file or directory could not be synced. What was written to it may be lost although a second try would say
    /// that all is well, so nothing that was written since anybody's epoch is believed.
    pub(super) fn distrust(&self) {
        self.failures.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes everything durable that was written. An error, also one of somebody else since `epoch`, means that
    /// what was written since may be lost: it must be written anew, never synced again.
    pub(super) fn sync_all(&self, epoch: Epoch) -> io::Result<()> {
        let handle = self.handle.lock().expect("no holder of this lock panics");
        let synced = handle.sync_filesystem();
        if synced.is_err() {
            self.distrust();
        }
        if self.epoch() != epoch {
            return Err(synced.err().unwrap_or_else(|| io::Error::other("an earlier write was lost")));
        }
        synced
    }
}
