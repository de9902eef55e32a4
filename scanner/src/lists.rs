//! [`Lists`]: chunk lists that were made and are not recorded yet, a bounded heap of them.

use chunking::ChunkList;
use protocol::ContentId;

use crate::round::Round;
use crate::scan::ScanError;

/// So many bytes of lists wait to be recorded, and one list more, in each thread, and as many in common. (Few in tests,
/// which must reach it.)
pub(crate) const MOST_LIST_BYTES: usize = if cfg!(test) { 256 } else { 4 * 1024 * 1024 };

/// Chunk lists by content, in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    lists: Vec<(ContentId, ChunkList)>,
    bytes: usize,
}

impl Lists {
    /// One more.
    pub(crate) fn push(&mut self, content: ContentId, list: ChunkList) {
        self.bytes += size_of_val(&content) + list.as_bytes().len();
        self.lists.push((content, list));
    }

    /// All of another heap.
    pub(crate) fn append(&mut self, mut more: Self) {
        self.bytes += more.bytes;
        self.lists.append(&mut more.lists);
    }

    /// All, if there are so many bytes of them.
    pub(crate) fn take_from(&mut self, at_least: usize) -> Self {
        if self.bytes < at_least { Self::default() } else { std::mem::take(self) }
    }

    /// As they are recorded.
    pub(crate) fn as_slice(&self) -> &[(ContentId, ChunkList)] {
        &self.lists
    }
}

impl Round<'_> {
    /// Keeps how contents are cut, and records it when there is enough of it.
    pub(crate) fn keep_lists(&self, lists: Lists) -> Result<(), ScanError> {
        let mut found = self.found();
        found.lists.append(lists);
        let lists = found.lists.take_from(MOST_LIST_BYTES);
        drop(found);
        self.record_lists(&lists)
    }
}
