//! [`Due`]: how much of a batch is still to be sent, as whoever watches was told.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use protocol::wire::Missing;
use protocol::{Change, ContentId};
use seams::progress::Progress;

/// The bytes of one batch's contents that whoever watches still expects to be sent. What was told never differs from
/// what is known: it shrinks with every answer that says what the receiver has, and ends at nothing.
#[derive(Debug)]
pub(crate) struct Due<'a> {
    progress: &'a dyn Progress,
    bytes: AtomicU64,
    answered: AtomicBool,
}

impl<'a> Due<'a> {
    /// Nobody knows yet what the receiver has: all contents that the changes name, each once and whole.
    pub(crate) fn announce(progress: &'a dyn Progress, changes: &[Change]) -> Self {
        let contents: BTreeMap<ContentId, u64> =
            changes.iter().filter_map(|change| change.entry()?.content()).collect();
        let bytes = contents.values().copied().fold(0, u64::saturating_add);
        progress.to_send(contents.len() as u64, bytes);
        Self { progress, bytes: AtomicU64::new(bytes), answered: AtomicBool::new(false) }
    }

    /// The receiver said how much is missing. What it has or copies is returned where it says so for the first time:
    /// later it also has what was sent.
    pub(crate) fn answered(&self, missing: u64) -> u64 {
        let reused = self.bytes.load(Ordering::Relaxed).saturating_sub(missing);
        self.settle_on(missing);
        if self.answered.swap(true, Ordering::Relaxed) { 0 } else { reused }
    }

    fn settle_on(&self, missing: u64) {
        let told = self.bytes.swap(missing, Ordering::Relaxed);
        if told < missing {
            self.progress.to_send(0, missing - told);
        } else if told > missing {
            self.progress.spared(told - missing);
        }
    }

    /// So many bytes of contents have arrived.
    pub(crate) fn sent(&self, bytes: u64) {
        self.bytes.update(Ordering::Relaxed, Ordering::Relaxed, |due| due.saturating_sub(bytes));
        self.progress.sent(bytes);
    }
}

impl Drop for Due<'_> {
    fn drop(&mut self) {
        self.settle_on(0);
    }
}

/// The bytes of what is missing.
pub(crate) fn bytes_of(missing: &[Missing]) -> u64 {
    let ranges = missing.iter().flat_map(|content| &content.ranges);
    ranges.map(|range| range.length).fold(0, u64::saturating_add)
}
