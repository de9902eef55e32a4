//! Sending again what the receiver found damaged, from the source's own files.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use protocol::wire::Wanted;
use protocol::{ByteRange, ContentId, RelPath};
use seams::fs::{Directory, File, open_by_components};
use seams::progress::Progress;
use seams::stretches::each_portion;
use snapshot_db::Snapshot;
use uploader::{ContentError, Contents, Offers};

use crate::source_contents::SourceContents;

/// Files of the source that have wanted contents. Each was read to its end before anything of it is sent.
#[derive(Debug)]
pub(crate) struct WantedContents<'a> {
    root: Arc<dyn Directory>,
    /// What was last read of them, so that a file that is known to have changed is not read for this.
    snapshot: Option<&'a Snapshot>,
    contents: SourceContents<'a>,
    progress: &'a dyn Progress,
}

impl<'a> WantedContents<'a> {
    pub(crate) fn of(root: Arc<dyn Directory>, snapshot: Option<&'a Snapshot>, progress: &'a dyn Progress) -> Self {
        Self { contents: SourceContents::of(Arc::clone(&root), &[], progress), root, snapshot, progress }
    }

    fn has(&self, wanted: &Wanted) -> bool {
        let row = self.snapshot.and_then(|snapshot| snapshot.row_at(&wanted.path).ok()).flatten();
        let read = row.and_then(|row| row.reading).map(|reading| reading.content);
        if read.is_some_and(|read| read != wanted.content) {
            return false;
        }
        self.hash(&wanted.path).inspect_err(|error| tracing::debug!(path = %wanted.path, %error, "wanted")).ok()
            == Some(wanted.content)
    }

    fn hash(&self, path: &RelPath) -> io::Result<ContentId> {
        let (parent, name) = path.split_last().ok_or(io::ErrorKind::IsADirectory)?;
        content_of(&*open_by_components(&self.root, &parent)?.open_file(&name)?, self.progress)
    }
}

/// The content of a file that stands still while it is read.
pub(crate) fn content_of(file: &dyn File, progress: &dyn Progress) -> io::Result<ContentId> {
    let before = file.stat()?;
    let mut hasher = blake3::Hasher::new();
    each_portion(file, ByteRange { offset: 0, length: u64::MAX }, |portion| {
        hasher.update(portion);
        progress.read(portion.len() as u64);
    })?;
    let after = file.stat()?;
    let is_still = (before.size, before.mtime, before.ctime) == (after.size, after.mtime, after.ctime);
    if is_still { Ok(hasher.finalize().into()) } else { Err(io::ErrorKind::ResourceBusy.into()) }
}

impl Offers for WantedContents<'_> {
    fn choose(&self, wanted: &[Wanted]) -> Vec<Wanted> {
        let chosen: Vec<Wanted> = wanted.iter().filter(|wanted| self.has(wanted)).cloned().collect();
        let places: HashMap<ContentId, RelPath> =
            chosen.iter().map(|wanted| (wanted.content, wanted.path.clone())).collect();
        self.contents.take_up_places(places);
        chosen
    }
}

impl Contents for WantedContents<'_> {
    fn read(&self, content: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError> {
        self.contents.read(content, range, into)
    }
}
