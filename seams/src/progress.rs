//! [`Progress`]: what engines tell whoever watches. Counts only; how they are shown is decided elsewhere.

use std::fmt::Debug;

/// Told as work goes on, from any thread.
pub trait Progress: Debug + Send + Sync {
    /// Regular files seen by the walk, and their bytes.
    fn seen(&self, files: u64, bytes: u64);
    /// Bytes read from source files to fingerprint or to send them.
    fn read(&self, bytes: u64);
    /// Contents and bytes that may have to be sent, as far as is known: all that a plan names, at first.
    fn to_send(&self, files: u64, bytes: u64);
    /// Of these, bytes that need not be sent after all: the receiver has them, can copy them, or will not get them.
    fn spared(&self, bytes: u64);
    /// Bytes of contents sent, before compression.
    fn sent(&self, bytes: u64);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn seen(&self, _files: u64, _bytes: u64) {}
    fn read(&self, _bytes: u64) {}
    fn to_send(&self, _files: u64, _bytes: u64) {}
    fn spared(&self, _bytes: u64) {}
    fn sent(&self, _bytes: u64) {}
}
