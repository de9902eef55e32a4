//! Pages: how much fits into one answer.

use protocol::limits::{MAX_ENTRY_QUERIES, MAX_PAGE_ROWS, TARGET_REQUEST_BYTES};
use protocol::wire::{EntriesAt, KnownMirror, Mirrors, MirrorsPage};
use protocol::{Change, Entry, Metadata, Problem, RelPath};

use crate::store::rules::too_large;

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

/// Those of a client's mirrors that a request asks for, as many as fit into a page.
pub(crate) fn page_of_mirrors(mut mirrors: Vec<KnownMirror>, request: &Mirrors) -> MirrorsPage {
    mirrors.retain(|mirror| request.after.as_ref().is_none_or(|after| mirror.name > *after));
    mirrors.sort_by(|a, b| a.name.cmp(&b.name));
    let mut budget = PageBudget::new();
    let bytes =
        |mirror: &KnownMirror| mirror.source.path.len() + mirror.source.identity.len() + mirror.source.host.len();
    let fitting = mirrors.iter().take_while(|mirror| budget.take(bytes(mirror))).count();
    let more = fitting < mirrors.len();
    mirrors.truncate(fitting);
    MirrorsPage { mirrors, more }
}

/// What is at the first paths of a request, as far as that fits into a page.
pub(crate) fn page_of_entries(
    request: &EntriesAt,
    mut look: impl FnMut(&RelPath) -> Result<Option<Entry>, Problem>,
) -> Result<Vec<Option<Entry>>, Problem> {
    if request.paths.len() > MAX_ENTRY_QUERIES {
        return Err(too_large(format!("at most {MAX_ENTRY_QUERIES} paths are looked up at once")));
    }
    let mut budget = PageBudget::new();
    let mut entries = Vec::new();
    for path in &request.paths {
        let entry = look(path)?;
        if !budget.take(entry.as_ref().map_or(0, |entry| entry_bytes(path, entry))) {
            break;
        }
        entries.push(entry);
    }
    Ok(entries)
}
