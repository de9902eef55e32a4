//! What a round notes for the next one and for people, one value each.

use protocol::Timestamp;

use crate::error::SnapshotError;
use crate::snapshot::Snapshot;

impl Snapshot {
    /// How many bytes the scrub may still read, and as of when; below zero it read ahead. Nothing before the first.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn scrub_balance(&self) -> Result<Option<(Timestamp, i64)>, SnapshotError> {
        self.read(|table| table.state().scrub_balance())
    }

    /// Notes the scrub's balance. Writes nothing if it is so already.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn set_scrub_balance(&self, at: Timestamp, bytes: i64) -> Result<(), SnapshotError> {
        if self.scrub_balance()? == Some((at, bytes)) {
            return Ok(());
        }
        self.change(|table| table.state().set_scrub_balance(at, bytes))
    }

    /// From where to where the mirror goes, so that `status` and `approve` find it: text of the caller.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn way(&self) -> Result<Option<String>, SnapshotError> {
        self.read(|table| table.state().way())
    }

    /// Notes the way. Writes nothing if it is so already.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn set_way(&self, way: &str) -> Result<(), SnapshotError> {
        if self.way()?.as_deref() == Some(way) {
            return Ok(());
        }
        self.change(|table| table.state().set_way(way))
    }
}

#[cfg(test)]
#[path = "notes_tests.rs"]
mod tests;
