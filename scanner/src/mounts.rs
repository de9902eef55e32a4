//! Mount points below the root: a directory of another file system is compared only with what was recorded of that one.
//!
//! An unmounted disk leaves an empty directory behind, and another disk brings other files. Neither is a change of the
//! source, so neither may delete anything at the mirror unless a person says so.

use std::sync::Arc;

use protocol::{Name, RelPath};
use seams::fs::{Directory, Stat};
use seams::known::FilesystemKey;
use seams::recorded::{DirectoryId, Row};

use crate::finding::Trouble;
use crate::open_directories::OpenDirectory;
use crate::root::describe;
use crate::round::Round;
use crate::scan::ScanError;

/// A file system as people know it.
pub(crate) fn shown(key: &FilesystemKey) -> String {
    let end_of_kind = key.0.iter().position(|byte| *byte == 0).unwrap_or(key.0.len());
    let (kind, id) = key.0.split_at(end_of_kind);
    format!("{} {}", protocol::escape(kind), describe(id.strip_prefix(b"\0").unwrap_or(id)))
}

impl Round<'_> {
    /// Whether the file system of a directory in `parent` is the one recorded for it: then its rows are to be compared
    /// with it. Another one, with nothing recorded of it or accepted by a person, is noted; else it is reported.
    pub(crate) fn is_on_recorded_file_system(
        &self,
        parent: &OpenDirectory,
        name: &Name,
        path: &RelPath,
        stat: &Stat,
    ) -> Result<bool, ScanError> {
        let id = parent.past_of(name).id;
        let recorded = id.and_then(|id| self.known.mounts.get(&id));
        if stat.device == parent.stat.device && recorded.is_none() {
            return Ok(true);
        }
        let found = match parent.handle.open_directory(name).and_then(|handle| self.key_of(&handle)) {
            Ok(found) => found,
            Err(error) => {
                self.trouble(path.clone(), error, Trouble::OpenDirectory);
                return Ok(false);
            }
        };
        let above = self.stamps.key(parent.stat.device);
        let expected = recorded.or(above.as_ref());
        if expected == Some(&found) {
            return Ok(true);
        }
        let is_known = recorded.is_some() || self.was_looked_at(id)?;
        if is_known && !self.rules.accept_mounts {
            let expected = expected.map_or_else(|| "the one around it".to_owned(), shown);
            self.problem(path.clone(), Trouble::OtherFilesystem { expected, found: shown(&found) });
            return Ok(false);
        }
        let mount = (above.as_ref() != Some(&found)).then_some(found);
        self.found().scanned.mounts.push((path.clone(), mount));
        Ok(true)
    }

    fn key_of(&self, directory: &Arc<dyn Directory>) -> std::io::Result<FilesystemKey> {
        directory.filesystem().map(|identity| FilesystemKey::from(&identity))
    }

    /// Whether an earlier round of this snapshot saw what the mirror has in a directory. Of rows that came from the
    /// receiver, since the snapshot was lost, nobody knows on which file system they were: then what is there now counts.
    fn was_looked_at(&self, directory: Option<DirectoryId>) -> Result<bool, ScanError> {
        let Some(id) = directory else { return Ok(false) };
        let rows = self.recorded.rows(id).map_err(ScanError::Recorded)?;
        let is_recorded = |row: &Row| row.reading.is_some() || row.inode.is_some();
        Ok(rows.iter().any(|row| row.acknowledged.is_some() && is_recorded(row)))
    }
}
