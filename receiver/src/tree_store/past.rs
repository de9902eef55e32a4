//! Questions about the past: mirrors, revisions, versions of a path, entries as of a revision.

use protocol::limits::MAX_PAGE_ROWS;
use protocol::wire::{
    EntriesAt, FoundEntries, KnownMirror, Listed, Mirrors, MirrorsPage, Revisions, RevisionsPage, Versions,
    VersionsPage,
};
use protocol::{Problem, RelPath, Timestamp};

use crate::catalog::{Ancestry, Catalog, CatalogError, MirrorId, Node};
use crate::store::page::{page_of_entries, page_of_mirrors};
use crate::store::versions::{Lives, State, page_of_versions};
use crate::tree_store::client::ClientStore;
use crate::tree_store::queries::revision_of;

impl ClientStore {
    pub(super) fn mirrors(&self, request: &Mirrors) -> Result<MirrorsPage, Problem> {
        let catalog = self.catalog();
        let mut mirrors = Vec::new();
        for record in catalog.mirrors()? {
            let (head, _, _) = catalog.head(record.id)?;
            mirrors.push(KnownMirror { name: record.name, head, source: record.source });
        }
        Ok(page_of_mirrors(mirrors, request))
    }

    pub(super) fn revisions(&self, request: &Revisions) -> Result<RevisionsPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let catalog = self.catalog();
        if let Some(time) = request.as_of {
            let last = catalog.revision_as_of(mirror.id, time)?;
            return Ok(RevisionsPage { revisions: last.into_iter().collect(), more: false });
        }
        let limit = u32::try_from(MAX_PAGE_ROWS).unwrap_or(u32::MAX);
        let revisions = catalog.revisions(mirror.id, request.after, limit)?;
        Ok(RevisionsPage { more: revisions.len() == MAX_PAGE_ROWS, revisions })
    }

    pub(super) fn versions(&self, request: &Versions) -> Result<VersionsPage, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let catalog = self.catalog();
        let head = catalog.head(mirror.id)?.0.number;
        let ancestry = Ancestry::new(&catalog, mirror.root);
        page_of_versions(
            &mut Nodes { catalog: &catalog, mirror: mirror.id, root: mirror.root, head, ancestry },
            request,
        )
    }

    pub(super) fn entries_at(&self, request: &EntriesAt) -> Result<FoundEntries, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let catalog = self.catalog();
        let revision = revision_of(&catalog, &mirror, request.revision)?;
        let look = |path: &RelPath| {
            let row = catalog.row_at(mirror.root, path, revision.number)?;
            Ok(row.map(|row| row.entry))
        };
        Ok(FoundEntries { revision, entries: page_of_entries(request, look)? })
    }
}

/// The things of a mirror are its nodes.
struct Nodes<'a> {
    catalog: &'a Catalog,
    mirror: MirrorId,
    root: Node,
    head: u64,
    ancestry: Ancestry<'a>,
}

impl Lives for Nodes<'_> {
    type Thing = Node;

    fn head(&self) -> u64 {
        self.head
    }

    fn thing_at(&mut self, path: &RelPath, revision: u64) -> Result<Option<Node>, Problem> {
        Ok(self.catalog.row_at(self.root, path, revision)?.map(|row| row.node))
    }

    fn last_thing(&mut self, path: &RelPath, until: u64) -> Result<Option<(Node, u64)>, Problem> {
        Ok(self.catalog.last_at(self.root, path, until)?)
    }

    fn state(&mut self, node: Node, revision: u64) -> Result<Option<State>, Problem> {
        let state = self.ancestry.state(node, revision)?;
        Ok(state.map(|(row, path, since)| State { since, listed: Listed { path, entry: row.entry } }))
    }

    fn is_kept(&mut self, revision: u64) -> Result<bool, Problem> {
        Ok(self.catalog.revision(self.mirror, revision)?.is_some())
    }

    fn time(&mut self, revision: u64) -> Result<Timestamp, Problem> {
        let time = self.catalog.time_of(self.mirror, revision)?;
        Ok(time.ok_or_else(|| CatalogError::Damaged("a row of a revision that there is not".to_owned()))?)
    }
}
