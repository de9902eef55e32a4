//! [`SourceFiles`]: the source, path by path in the mirror's order, against what the mirror should have.

use std::io;
use std::sync::Arc;

use protocol::{ContentId, Entry, RelPath};
use seams::fs::{Directory, FileKind, Stat, open_by_components};
use seams::progress::Progress;

use crate::round::mending::content_of;

/// How a path stands in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// As in the mirror, as far as was looked.
    Same,
    /// It changed since it was delivered, or is gone: the next round will see to that.
    Changed,
    /// Size and time are those of the mirror's file, and the bytes are not.
    OtherBytes,
}

/// The source, read along the mirror's paths.
#[derive(Debug)]
pub(super) struct SourceFiles<'a> {
    root: Arc<dyn Directory>,
    /// The directory that was looked into last; nothing where there is none any more.
    last: Option<(RelPath, Option<Arc<dyn Directory>>)>,
    reads: bool,
    progress: &'a dyn Progress,
}

impl<'a> SourceFiles<'a> {
    /// Of a root; `reads` says whether files are read to their ends.
    pub(super) fn of(root: Arc<dyn Directory>, reads: bool, progress: &'a dyn Progress) -> Self {
        Self { root, last: None, reads, progress }
    }

    /// Compares one path with what the mirror has there.
    pub(super) fn compare(&mut self, path: &RelPath, entry: &Entry) -> Found {
        self.try_compare(path, entry).unwrap_or(Found::Changed)
    }

    fn try_compare(&mut self, path: &RelPath, entry: &Entry) -> io::Result<Found> {
        let Some((above, name)) = path.split_last() else { return Ok(Found::Same) };
        let Some(directory) = self.directory(&above) else { return Ok(Found::Changed) };
        let stat = directory.stat(&name)?;
        self.progress.seen(u64::from(stat.kind == FileKind::File), stat.size);
        if !looks_like(&stat, entry) {
            return Ok(Found::Changed);
        }
        match entry {
            Entry::Directory { .. } => Ok(Found::Same),
            Entry::Symlink { target, .. } => {
                Ok(if directory.read_link(&name)? == target.as_bytes() { Found::Same } else { Found::Changed })
            }
            Entry::File { content, .. } if self.reads => {
                let found: ContentId = content_of(&*directory.open_file(&name)?, self.progress)?;
                Ok(if found == *content { Found::Same } else { Found::OtherBytes })
            }
            Entry::File { .. } => Ok(Found::Same),
        }
    }

    fn directory(&mut self, path: &RelPath) -> Option<Arc<dyn Directory>> {
        if let Some((last, directory)) = &self.last
            && last == path
        {
            return directory.clone();
        }
        let opened = open_by_components(&self.root, path).ok();
        self.last.insert((path.clone(), opened)).1.clone()
    }
}

/// Whether a path still looks as it was delivered. A directory's own time says only that something in it changed.
fn looks_like(stat: &Stat, entry: &Entry) -> bool {
    let metadata = entry.metadata();
    let is_kind = match entry {
        Entry::Directory { .. } => stat.kind == FileKind::Directory,
        Entry::File { size, .. } => stat.kind == FileKind::File && stat.size == *size,
        Entry::Symlink { .. } => stat.kind == FileKind::Symlink,
    };
    let has_mode = stat.kind == FileKind::Symlink || stat.mode == metadata.mode;
    is_kind && has_mode && stat.mtime == metadata.mtime
}
