//! What the mirror has to copy from, as the snapshot knows it.

use std::collections::HashMap;
use std::io;

use chunking::ChunkList;
use protocol::{Change, ContentId, Entry, RelPath, Timestamp};
use scanner::Finding;
use seams::recorded::Recorder;
use snapshot_db::Snapshot;
use uploader::Bases;

/// The snapshot's chunk lists, and which content of the mirror a new one takes the place of.
#[derive(Debug)]
pub(crate) struct SnapshotBases<'a> {
    snapshot: &'a Snapshot,
    now: Timestamp,
    /// By new contents: what the mirror has where they go, or where they come from.
    bases: HashMap<ContentId, ContentId>,
}

impl<'a> SnapshotBases<'a> {
    /// For delivering a plan that was made of these findings.
    pub(crate) fn of(snapshot: &'a Snapshot, now: Timestamp, findings: &[Finding], plan: &[Change]) -> Self {
        let mut bases: HashMap<_, _> = findings.iter().filter_map(changed_in_place).collect();
        let moved: HashMap<_, _> = findings.iter().filter_map(left_behind).collect();
        let edited = plan.iter().filter_map(|change| match change {
            Change::Move { from, entry, .. } => Some((content(Some(entry))?, *moved.get(from)?)),
            _ => None,
        });
        bases.extend(edited.filter(|(new, base)| new != base));
        Self { snapshot, now, bases }
    }
}

fn content(entry: Option<&Entry>) -> Option<ContentId> {
    entry?.content().map(|(content, _)| content)
}

/// A file whose content is another than the mirror has there: the new one and the old one.
fn changed_in_place(finding: &Finding) -> Option<(ContentId, ContentId)> {
    let Finding::Present { was, now, .. } = finding else { return None };
    let (new, base) = (content(Some(now))?, content(was.as_ref())?);
    (new != base).then_some((new, base))
}

/// A file of the mirror that is not at its place any more: where that is, and its content.
fn left_behind(finding: &Finding) -> Option<(&RelPath, ContentId)> {
    match finding {
        Finding::Gone { path, was, .. } => Some((path, content(Some(was))?)),
        Finding::Present { path, base, was, .. } => Some((base.as_ref().unwrap_or(path), content(was.as_ref())?)),
        Finding::Moved { .. } | Finding::Problem { .. } | Finding::Deferred { .. } => None,
    }
}

impl Bases for SnapshotBases<'_> {
    fn base_of(&self, content: &ContentId) -> Option<ContentId> {
        self.bases.get(content).copied()
    }

    fn list(&self, content: &ContentId) -> io::Result<Option<ChunkList>> {
        self.snapshot.chunk_list(content).map_err(io::Error::other)
    }

    fn list_numbered(&self, number: i64) -> io::Result<Option<(ContentId, ChunkList)>> {
        self.snapshot.chunk_list_numbered(number).map_err(io::Error::other)
    }

    fn list_bytes(&self) -> io::Result<u64> {
        self.snapshot.chunk_list_bytes().map_err(io::Error::other)
    }

    fn each_acknowledged(&self, show: &mut dyn FnMut(i64, &ChunkList)) -> io::Result<()> {
        self.snapshot.each_acknowledged_chunk_list(show).map_err(io::Error::other)
    }

    fn record(&self, content: &ContentId, list: &ChunkList) -> io::Result<()> {
        self.snapshot.record_chunk_lists(&[(*content, list.clone())], self.now)
    }

    fn forget(&self, content: &ContentId) -> io::Result<()> {
        self.snapshot.forget_chunk_list(content).map_err(io::Error::other)
    }
}
