//! What earlier rounds learned of the source, besides its rows: out of three tables, as of one moment.

use seams::known::Known;

use crate::error::SnapshotError;
use crate::snapshot::Snapshot;
use crate::{filesystems, mounts, postponed};

impl Snapshot {
    /// What earlier rounds learned: mount points, habits of file systems, paths that wait.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn known(&self) -> Result<Known, SnapshotError> {
        self.read(|table| {
            table.in_one_view(|table| {
                Ok(Known {
                    mounts: mounts::all(table.connection())?,
                    habits: filesystems::known_habits(table.connection())?,
                    postponed: postponed::all(table.connection())?,
                })
            })
        })
    }
}
