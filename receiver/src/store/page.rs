//! Pages: how much fits into one answer.

use protocol::limits::{MAX_PAGE_ROWS, TARGET_REQUEST_BYTES};
use protocol::{Change, Entry, Metadata, RelPath};

/// Bytes of a row besides its path and link target: an upper bound for its metadata without attributes.
const ROW_OVERHEAD: usize = 128;

/// What is left of a page. The first row always fits, so that paging always gets on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageBudget {
    rows: usize,
    bytes: usize,
    taken: usize,
}

impl PageBudget {
    /// An empty page.
    pub(crate) fn new() -> Self {
        Self { rows: MAX_PAGE_ROWS, bytes: TARGET_REQUEST_BYTES, taken: 0 }
    }

    /// Takes room for a row whose variable parts have so many bytes; false if the page is full.
    pub(crate) fn take(&mut self, variable_bytes: usize) -> bool {
        let needs = variable_bytes + ROW_OVERHEAD;
        if self.taken > 0 && (self.rows == 0 || self.bytes < needs) {
            return false;
        }
        self.rows = self.rows.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(needs);
        self.taken += 1;
        true
    }
}

/// What an entry takes in a page besides its fixed part.
pub(crate) fn entry_bytes(path: &RelPath, entry: &Entry) -> usize {
    let target = if let Entry::Symlink { target, .. } = entry { target.as_bytes().len() } else { 0 };
    path.as_bytes().len() + target + attribute_bytes(entry.metadata())
}

fn attribute_bytes(metadata: &Metadata) -> usize {
    metadata.attributes.iter().map(|attribute| attribute.key.len() + attribute.value.len()).sum()
}

fn change_bytes(change: &Change) -> usize {
    let from = if let Change::Move { from, .. } = change { from.as_bytes().len() } else { 0 };
    let path = change.path();
    from + match change {
        Change::Metadata { metadata, .. } => path.as_bytes().len() + attribute_bytes(metadata),
        other => other.entry().map_or(path.as_bytes().len(), |entry| entry_bytes(path, entry)),
    }
}

/// The changes after the first `skip` that fit into a page, and whether there are more.
pub(crate) fn changes_page(changes: Vec<Change>, skip: u64) -> (Vec<Change>, bool) {
    let skip = usize::try_from(skip).unwrap_or(usize::MAX);
    let mut rest = changes.into_iter().skip(skip).peekable();
    let mut budget = PageBudget::new();
    let mut page = Vec::new();
    while let Some(change) = rest.next_if(|change| budget.take(change_bytes(change))) {
        page.push(change);
    }
    (page, rest.peek().is_some())
}
