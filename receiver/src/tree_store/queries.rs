//! Questions to the catalog, claims and takeovers, and reading files.

use protocol::limits::MAX_READ_BYTES;
use protocol::wire::{
    ChangesPage, ChangesSince, Claim, Claimed, Contact, ContactReply, EntriesPage, ListAt, Listed, ReadAt, ReadPage,
    TakeOver, TakenOver,
};
use protocol::{Entry, Head, Metadata, Problem, ProblemCode, RelPath};
use seams::fs::File;

use crate::catalog::{Catalog, Disk, Row};
use crate::store::page::{PageBudget, changes_page, entry_bytes};
use crate::store::rules::{
    ClaimVerdict, brake_window_start, head_moved, is_unknown, judge_claim, judge_heir, malformed, no_revision,
};
use crate::tree_store::check::MAX_READ_A_PAGE;
use crate::tree_store::client::ClientStore;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::problems::disk;
use crate::tree_store::reading::{Hashed, hash_on};
use crate::tree_store::step::directory_mode;

/// Where a mirror stands that nobody claimed.
pub(super) fn nobody_claimed(request: &Contact) -> ContactReply {
    ContactReply {
        head: Head::genesis(),
        head_lineage: None,
        in_chain: request.head == Head::genesis(),
        superseded_at: None,
        source: None,
        wanted: Vec::new(),
        is_empty: true,
        ended_files: 0,
        files: 0,
    }
}

impl ClientStore {
    pub(super) fn contact(&self, request: &Contact) -> Result<ContactReply, Problem> {
        if self.catalog().mirror(&request.mirror)?.is_none() {
            return Ok(nobody_claimed(request));
        }
        let known = self.mirror(&request.mirror)?;
        self.redo_before_telling(&known)?;
        let wanted = self.wanted(&known)?;
        let catalog = self.catalog();
        let Some(mirror) = catalog.mirror(&request.mirror)? else { return Ok(nobody_claimed(request)) };
        let (head, head_lineage, _) = catalog.head(mirror.id)?;
        let files = catalog.file_counts(mirror.id, brake_window_start(self.now()))?;
        Ok(ContactReply {
            head,
            head_lineage,
            in_chain: catalog.in_chain(mirror.id, request.head)?,
            superseded_at: catalog.superseded_at(mirror.id, request.lineage)?,
            wanted,
            is_empty: catalog.is_empty(mirror.root)?,
            ended_files: files.ended,
            files: files.now,
            source: Some(mirror.source).filter(|source| !is_unknown(source)),
        })
    }

    pub(super) fn claim(&self, request: &Claim) -> Result<Claimed, Problem> {
        let is_new = {
            let mut catalog = self.catalog();
            let record = catalog.mirror(&request.mirror)?;
            let recorded = record.as_ref().map(|record| &record.source);
            let verdict = judge_claim(&request.mirror, recorded, &request.source, request.replaces.as_ref())?;
            match (&record, verdict) {
                (_, ClaimVerdict::Nothing) => {}
                (Some(record), ClaimVerdict::Record) => catalog.set_source(record.id, &request.source)?,
                (None, ClaimVerdict::Record) => {
                    // Its directory is made below, and again whenever somebody takes it away: no inode is meant.
                    let disk = Disk { inode: 0, size: 0, mtime: Metadata::default().mtime };
                    catalog.create_mirror(&request.mirror, &request.source, (self.new_node(), disk), self.now())?;
                }
            }
            record.is_none()
        };
        if is_new {
            self.make_root(&*self.mirror(&request.mirror)?)?;
        }
        Ok(Claimed {})
    }

    fn make_root(&self, mirror: &Mirror) -> Result<(), Problem> {
        let made = self.open_root(mirror, &mut |path| self.take_foreign(mirror, 0, path, None));
        let metadata = Metadata::default();
        made.and_then(|root| {
            root.set_own_mode(directory_mode(metadata.mode))?;
            root.set_own_mtime(metadata.mtime)
        })
        .map_err(disk("make the mirror's folder"))
    }

    pub(super) fn take_over(&self, request: &TakeOver) -> Result<TakenOver, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        // No commit in flight: whether its revision lies past the fork must be decided before the takeover.
        let _alone = mirror.alone();
        let mut catalog = self.catalog();
        if !catalog.in_chain(mirror.id, request.fork)? {
            return Err(head_moved(&request.mirror, catalog.head(mirror.id)?.0, request.fork));
        }
        let superseded_at = catalog.superseded_at(mirror.id, request.lineage)?;
        judge_heir(request.lineage, |_| superseded_at)?;
        catalog.take_over(mirror.id, request.lineage, request.former, request.fork.number, self.now())?;
        Ok(TakenOver {})
    }

    pub(super) fn changes_since(&self, request: &ChangesSince) -> Result<ChangesPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let catalog = self.catalog();
        let (head, _, _) = catalog.head(mirror.id)?;
        if !catalog.in_chain(mirror.id, request.since)? {
            return Err(head_moved(&request.mirror, head, request.since));
        }
        let until = revision_of(&catalog, &mirror, request.until)?;
        if until.number < request.since.number {
            return Err(malformed("changes lead from a revision to a later one"));
        }
        let changes = catalog.changes(mirror.id, mirror.root, request.since.number, until.number)?;
        let (changes, more) = changes_page(changes, request.skip);
        Ok(ChangesPage { until, changes, more })
    }

    pub(super) fn list_at(&self, request: &ListAt) -> Result<EntriesPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let catalog = self.catalog();
        let revision = revision_of(&catalog, &mirror, request.revision)?;
        let mut budget = PageBudget::new();
        let mut entries = Vec::new();
        if request.after.is_none() {
            let root = catalog.node_at(mirror.root, revision.number)?;
            let root = root.ok_or_else(|| crate::catalog::CatalogError::Damaged("a revision without a root".into()))?;
            budget.take(0);
            entries.push(Listed { path: RelPath::root(), entry: root.entry });
        }
        let mut descent = catalog.descend(mirror.root, revision.number, request.after.as_ref())?;
        while let Some((path, row)) = descent.next_row()? {
            if !budget.take(entry_bytes(&path, &row.entry)) {
                return Ok(EntriesPage { revision, entries, more: true });
            }
            entries.push(Listed { path, entry: row.entry });
        }
        Ok(EntriesPage { revision, entries, more: false })
    }

    pub(super) fn read_at(&self, request: &ReadAt) -> Result<ReadPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let row = self.row_to_read(&mirror, request)?;
        let file = match self.open_row(&row)? {
            Some(file) => Some(file),
            None => {
                // Perhaps it moved between the look at the catalog and the opening: look again when all is at rest.
                let _at_rest = mirror.at_rest();
                self.open_row(&self.row_to_read(&mirror, request)?)?
            }
        };
        let Some(file) = file else { return Err(self.not_readable(&row, request)?) };
        if request.suspect {
            return self.look_again(&mirror, row, request, file);
        }
        let data = read(&*file, request.range.offset, request.range.length.min(MAX_READ_BYTES));
        Ok(ReadPage { entry: row.entry, data: data.map_err(disk("read a file"))?.into(), is_whole: None })
    }

    /// What a client read was not the content it should be: whether that is so here, a page's worth of reading at a time.
    fn look_again(
        &self,
        mirror: &Mirror,
        row: Row,
        request: &ReadAt,
        file: Box<dyn File>,
    ) -> Result<ReadPage, Problem> {
        let stat = file.stat().map_err(disk("look at a file"))?;
        let is_whole = match hash_on(mirror, &request.path, &stat, Ok(file), &mut MAX_READ_A_PAGE.clone()) {
            Hashed::InPart => false,
            Hashed::Whole(found) if row.entry.content().is_some_and(|(content, _)| content == found) => true,
            Hashed::Whole(_) | Hashed::Unreadable => {
                tracing::warn!(mirror = %mirror.name, path = %request.path, "a restore found this damaged");
                self.catalog().want(&row, self.now())?;
                return Err(Problem::new(
                    ProblemCode::NotFound,
                    format!("what is kept of {} is damaged", request.path),
                ));
            }
        };
        Ok(ReadPage { entry: row.entry, data: Vec::new().into(), is_whole: Some(is_whole) })
    }

    fn row_to_read(&self, mirror: &Mirror, request: &ReadAt) -> Result<Row, Problem> {
        let catalog = self.catalog();
        let revision = revision_of(&catalog, mirror, request.revision)?.number;
        let row = if request.path.is_root() { None } else { catalog.row_at(mirror.root, &request.path, revision)? };
        match row {
            Some(row) if matches!(row.entry, Entry::File { .. }) => Ok(row),
            Some(_) => Err(malformed(format!("{} is no file", request.path))),
            None => {
                let detail = format!("revision {revision} has no file {}", request.path);
                Err(Problem::new(ProblemCode::NotFound, detail))
            }
        }
    }

    /// A current file that is not as it should be is wanted; an old one may just not be kept any more.
    fn not_readable(&self, row: &Row, request: &ReadAt) -> Result<Problem, Problem> {
        if row.to.is_none() {
            self.catalog().want(row, self.now())?;
        }
        let detail = format!("the bytes of {} are not kept, or were changed behind the receiver's back", request.path);
        Ok(Problem::new(ProblemCode::NotFound, detail))
    }
}

/// A revision that a mirror has; the head if none is asked for.
pub(super) fn revision_of(catalog: &Catalog, mirror: &Mirror, number: Option<u64>) -> Result<Head, Problem> {
    match number {
        None => Ok(catalog.head(mirror.id)?.0),
        Some(number) => catalog.revision(mirror.id, number)?.ok_or_else(|| no_revision(&mirror.name, number)),
    }
}

fn read(file: &dyn File, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let rest = file.stat()?.size.saturating_sub(offset);
    let mut bytes = vec![0; usize::try_from(length.min(rest)).unwrap_or(0)];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
