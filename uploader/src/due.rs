//! [`Due`]: how much of a batch is still to be sent, as whoever watches was told; [`Outlook`]: how much all of many
//! batches have that come one by one.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use protocol::wire::Missing;
use protocol::{Change, ContentId, Entry};
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
        Self::of(progress, contents.len() as u64, bytes)
    }

    /// So many contents of so many bytes are to be sent, unless the receiver has some of them.
    pub(crate) fn of(progress: &'a dyn Progress, contents: u64, bytes: u64) -> Self {
        progress.to_send(contents, bytes);
        Self::told(progress, bytes)
    }

    /// Whoever watches was told of so many bytes.
    fn told(progress: &'a dyn Progress, bytes: u64) -> Self {
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

/// What changes name that are read one by one, before the first of them is delivered. A content counts as often as it is
/// named: only within a batch is it known that it is the same again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outlook {
    contents: u64,
    bytes: u64,
}

impl Outlook {
    /// Counts the content of an entry that is to come to the mirror.
    pub fn add(&mut self, entry: &Entry) {
        if let Some((_, size)) = entry.content() {
            self.contents += 1;
            self.bytes = self.bytes.saturating_add(size);
        }
    }

    /// Tells whoever watches.
    pub(crate) fn foretell(self, progress: &dyn Progress) -> Foretold<'_> {
        progress.to_send(self.contents, self.bytes);
        Foretold { progress, left: Cell::new(self.bytes) }
    }
}

/// What whoever watches was told of batches that did not come yet. What never comes is not to be sent.
#[derive(Debug)]
pub(crate) struct Foretold<'a> {
    progress: &'a dyn Progress,
    left: Cell<u64>,
}

impl<'a> Foretold<'a> {
    /// A batch comes: its share.
    pub(crate) fn due(&self, changes: &[Change]) -> Due<'a> {
        let sizes = changes.iter().filter_map(|change| Some(change.entry()?.content()?.1));
        let bytes = sizes.fold(0, u64::saturating_add).min(self.left.get());
        self.left.update(|left| left - bytes);
        Due::told(self.progress, bytes)
    }
}

impl Drop for Foretold<'_> {
    fn drop(&mut self) {
        self.progress.spared(self.left.get());
    }
}

/// The bytes of what is missing.
pub(crate) fn bytes_of(missing: &[Missing]) -> u64 {
    let ranges = missing.iter().flat_map(|content| &content.ranges);
    ranges.map(|range| range.length).fold(0, u64::saturating_add)
}
