//! The difference of two revisions as one set of changes.
//!
//! Only rows that were opened or closed between the two are looked at. A node that has a row at both ends was moved
//! or changed; one that has a row only at the older end is gone, unless it went with a directory above it; one
//! only at the newer end is new, unless its directory is gone by then.

use std::collections::{BTreeMap, HashMap};

use protocol::{Change, RelPath};

use crate::catalog::row::signed;
use crate::catalog::{Catalog, CatalogError, MirrorId, Node, Row};

impl Catalog {
    /// Changes that make the tree at `until` of the tree at `since`, sorted by path.
    pub(crate) fn changes(
        &self,
        mirror: MirrorId,
        root: Node,
        since: u64,
        until: u64,
    ) -> Result<Vec<Change>, CatalogError> {
        let mut ends: BTreeMap<Node, Ends> = BTreeMap::new();
        for row in self.touched(mirror, since, until)? {
            let ends = ends.entry(row.node).or_default();
            match (row.spans(since), row.spans(until)) {
                (true, false) => ends.old = Some(row),
                (false, true) => ends.new = Some(row),
                _ => {}
            }
        }
        let mut paths = Paths { catalog: self, root, known: HashMap::new() };
        let mut fates = HashMap::new();
        for (node, ends) in &mut ends {
            if let Some(new) = &ends.new
                && paths.at(new.node, until)?.is_none()
            {
                ends.new = None;
            }
            if ends.old.is_some() {
                fates.insert(*node, if ends.new.is_some() { Fate::Stays } else { Fate::Goes });
            }
        }
        let mut changes = Vec::new();
        for ends in ends.into_values() {
            changes.extend(paths.change(ends, (since, until), &fates)?);
        }
        changes.sort_by(|a, b| a.path().cmp(b.path()));
        Ok(changes)
    }

    /// Rows opened or closed after one revision and up to another.
    fn touched(&self, mirror: MirrorId, since: u64, until: u64) -> Result<Vec<Row>, CatalogError> {
        let parameters = (mirror, signed(since), signed(until));
        let mut rows = self.rows("mirror = ?1 AND from_rev > ?2 AND from_rev <= ?3", parameters)?;
        // Those opened in between are there already.
        rows.extend(self.rows("mirror = ?1 AND to_rev > ?2 AND to_rev <= ?3 AND from_rev <= ?2", parameters)?);
        Ok(rows)
    }
}

/// A node's row at the older and at the newer end, where another stands at the other.
#[derive(Debug, Default)]
struct Ends {
    old: Option<Row>,
    new: Option<Row>,
}

/// What becomes of a node of the older end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is there at the newer end, somewhere.
    Stays,
    /// It is not.
    Goes,
}

/// Paths of nodes at revisions, each looked up once.
struct Paths<'a> {
    catalog: &'a Catalog,
    root: Node,
    known: HashMap<(Node, u64), Option<RelPath>>,
}

impl Paths<'_> {
    /// Where a node is at a revision; nothing if it is not in that tree.
    fn at(&mut self, node: Node, revision: u64) -> Result<Option<RelPath>, CatalogError> {
        let mut below = Vec::new();
        let mut at = node;
        let mut path = loop {
            if at == self.root {
                break Some(RelPath::root());
            }
            if let Some(known) = self.known.get(&(at, revision)) {
                break known.clone();
            }
            let Some(row) = self.catalog.node_at(at, revision)? else { break None };
            below.push((at, row.name));
            at = row.parent;
        };
        for (node, name) in below.into_iter().rev() {
            path = path.and_then(|path| path.join(&name).ok());
            self.known.insert((node, revision), path.clone());
        }
        Ok(path)
    }

    /// Whether a row's thing goes with a directory above it, and not out of there with one that stays.
    fn goes_along(&self, row: &Row, revision: u64, fates: &HashMap<Node, Fate>) -> Result<bool, CatalogError> {
        let mut above = row.parent;
        while above != self.root {
            if let Some(fate) = fates.get(&above) {
                return Ok(*fate == Fate::Goes);
            }
            let Some(row) = self.catalog.node_at(above, revision)? else { return Ok(false) };
            above = row.parent;
        }
        Ok(false)
    }

    fn change(
        &mut self,
        ends: Ends,
        at: (u64, u64),
        fates: &HashMap<Node, Fate>,
    ) -> Result<Option<Change>, CatalogError> {
        let (since, until) = at;
        match (ends.old, ends.new) {
            (None, None) => Ok(None),
            (Some(old), None) if self.goes_along(&old, since, fates)? => Ok(None),
            (Some(old), None) => Ok(self.at(old.node, since)?.map(|path| Change::Delete { path })),
            (None, Some(new)) => Ok(self.at(new.node, until)?.map(|path| Change::Create { path, entry: new.entry })),
            (Some(old), Some(new)) => {
                let paths = (self.at(old.node, since)?, self.at(new.node, until)?);
                let (Some(from), Some(path)) = paths else { return Ok(None) };
                Ok(change_of_same(&old, new, from, path))
            }
        }
    }
}

fn change_of_same(old: &Row, new: Row, from: RelPath, path: RelPath) -> Option<Change> {
    if (old.parent, &old.name) != (new.parent, &new.name) {
        return Some(Change::Move { from, to: path, entry: new.entry });
    }
    if old.entry == new.entry {
        return None;
    }
    if old.entry.same_content(&new.entry) {
        return Some(Change::Metadata { path, metadata: new.entry.metadata().clone() });
    }
    Some(Change::Modify { path, entry: new.entry })
}
