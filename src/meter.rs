//! [`Meter`]: counts what goes by, and passes it on to whoever watches.

use std::sync::atomic::{AtomicU64, Ordering};

use seams::progress::Progress;

/// What was read and sent so far.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    watcher: &'a dyn Progress,
    read: AtomicU64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(watcher: &'a dyn Progress) -> Self {
        Self { watcher, read: AtomicU64::new(0) }
    }

    /// Bytes of source files read.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

impl Progress for Meter<'_> {
    fn seen(&self, files: u64, bytes: u64) {
        self.watcher.seen(files, bytes);
    }

    fn read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
        self.watcher.read(bytes);
    }

    fn to_send(&self, files: u64, bytes: u64) {
        self.watcher.to_send(files, bytes);
    }

    fn spared(&self, bytes: u64) {
        self.watcher.spared(bytes);
    }

    fn sent(&self, bytes: u64) {
        self.watcher.sent(bytes);
    }
}
