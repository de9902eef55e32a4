//! [`Volume`]: how many bytes of contents a delivery was about, and how few it sent.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of contents, as a delivery went on. What is sent again after a lost answer counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Volume {
    /// Bytes that the receiver had already, or copied from what it had.
    pub reused: u64,
    /// Bytes that were sent, before compression.
    pub sent: u64,
    /// The same after compression.
    pub packed: u64,
}

impl AddAssign for Volume {
    fn add_assign(&mut self, more: Self) {
        self.reused += more.reused;
        self.sent += more.sent;
        self.packed += more.packed;
    }
}

/// Counts a [`Volume`] from several threads.
#[derive(Debug, Default)]
pub(crate) struct VolumeCount {
    reused: AtomicU64,
    sent: AtomicU64,
    packed: AtomicU64,
}

impl VolumeCount {
    pub(crate) fn reused(&self, bytes: u64) {
        self.reused.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, raw: u64, packed: u64) {
        self.sent.fetch_add(raw, Ordering::Relaxed);
        self.packed.fetch_add(packed, Ordering::Relaxed);
    }

    pub(crate) fn so_far(&self) -> Volume {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Volume { reused: of(&self.reused), sent: of(&self.sent), packed: of(&self.packed) }
    }
}
