//! Looking back: revisions and their times, and the life of a node, through its own moves and those of the directories
//! above it.

use std::collections::HashMap;

use protocol::wire::{ChangeCounts, Revision, Round};
use protocol::{Head, Name, RelPath, RevisionDigest, RoundId, Timestamp};
use rusqlite::{OptionalExtension, Params};

use crate::catalog::lookup::LAST_AT_PLACE;
use crate::catalog::row::{id, signed, unsigned};
use crate::catalog::{Catalog, CatalogError, MirrorId, Node, Row};

/// Since when a node has been at a place without a break, up to a revision: rows of a node follow each other without
/// gaps, so it came there when its last row elsewhere ended, or when it came to be.
const SINCE_AT_PLACE: &str = "SELECT coalesce(max(CASE WHEN parent_node <> ?3 OR name <> ?4 THEN to_rev END), \
                              min(from_rev)) FROM entry WHERE node = ?1 AND from_rev <= ?2";
const REVISION: &str = "SELECT number, digest, committed_at, round, round_started, created, modified, metadata, \
                        deleted, moved, replaced FROM revision WHERE mirror = ?1 AND ";

impl Catalog {
    /// The revisions after a number, at most so many.
    pub(crate) fn revisions(
        &self,
        mirror: MirrorId,
        after: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Revision>, CatalogError> {
        let after = after.map_or(-1, signed);
        self.revisions_where("number > ?2 ORDER BY number LIMIT ?3", (mirror, after, limit))
    }

    /// The last revision that was decided no later than this.
    pub(crate) fn revision_as_of(&self, mirror: MirrorId, time: Timestamp) -> Result<Option<Revision>, CatalogError> {
        let condition = "committed_at <= ?2 ORDER BY number DESC LIMIT 1";
        Ok(self.revisions_where(condition, (mirror, time.as_nanos()))?.pop())
    }

    /// When a revision was decided.
    pub(crate) fn time_of(&self, mirror: MirrorId, number: u64) -> Result<Option<Timestamp>, CatalogError> {
        let sql = "SELECT committed_at FROM revision WHERE mirror = ?1 AND number = ?2";
        let time = self.connection.prepare_cached(sql)?.query_row((mirror, signed(number)), |row| row.get(0));
        Ok(time.optional()?.map(Timestamp::from_nanos))
    }

    fn revisions_where(&self, condition: &str, parameters: impl Params) -> Result<Vec<Revision>, CatalogError> {
        let mut statement = self.connection.prepare_cached(&format!("{REVISION}{condition}"))?;
        let mut rows = statement.query(parameters)?;
        let mut revisions = Vec::new();
        while let Some(row) = rows.next()? {
            revisions.push(read_revision(row)?);
        }
        Ok(revisions)
    }

    /// What was at a path last, no later than a revision, and when.
    ///
    /// Where nothing is, the search goes on with the last revision that can differ: when the missing name's place was
    /// taken last, or when the directories above it were not these.
    pub(crate) fn last_at(&self, root: Node, path: &RelPath, until: u64) -> Result<Option<(Node, u64)>, CatalogError> {
        let mut at = Some(until);
        while let Some(revision) = at {
            match self.trace(root, path, revision)? {
                Trace::Found(node) => return Ok(Some((node, revision))),
                Trace::Missing { earlier } => at = earlier,
            }
        }
        Ok(None)
    }

    fn trace(&self, root: Node, path: &RelPath, revision: u64) -> Result<Trace, CatalogError> {
        let (mut node, mut since) = (root, 0);
        for name in path.components() {
            let last = self.row(LAST_AT_PLACE, (node, name.as_bytes(), signed(revision)))?;
            match last {
                Some(row) if row.spans(revision) => {
                    since = since.max(self.since_at_place(&row, revision)?);
                    node = row.node;
                }
                last => {
                    let taken = last.and_then(|row| row.to).map(|to| to.saturating_sub(1));
                    return Ok(Trace::Missing { earlier: taken.max(since.checked_sub(1)) });
                }
            }
        }
        Ok(Trace::Found(node))
    }

    /// Since when a row's node has been where the row says, up to a revision.
    fn since_at_place(&self, row: &Row, revision: u64) -> Result<u64, CatalogError> {
        let mut statement = self.connection.prepare_cached(SINCE_AT_PLACE)?;
        let parameters = (row.node, signed(revision), row.parent, row.name.as_bytes());
        Ok(unsigned(statement.query_row(parameters, |row| row.get(0))?))
    }
}

/// What a path leads to.
enum Trace {
    Found(Node),
    /// Nothing; before this revision's successor it may have led to something.
    Missing {
        earlier: Option<u64>,
    },
}

/// Nodes at revisions, asked for from the newest to the oldest; directories above them are looked up once.
#[derive(Debug)]
pub(crate) struct Ancestry<'a> {
    catalog: &'a Catalog,
    root: Node,
    /// Of each directory the place it had when it was asked for last, and since when.
    known: HashMap<Node, (Node, Name, u64)>,
}

impl<'a> Ancestry<'a> {
    pub(crate) fn new(catalog: &'a Catalog, root: Node) -> Self {
        Self { catalog, root, known: HashMap::new() }
    }

    /// A node's row and path at a revision, and since when both are so; nothing if it is not in that tree.
    pub(crate) fn state(&mut self, node: Node, revision: u64) -> Result<Option<(Row, RelPath, u64)>, CatalogError> {
        let Some(row) = self.catalog.node_at(node, revision)? else { return Ok(None) };
        let mut names = vec![row.name.clone()];
        let (mut above, mut since) = (row.parent, row.from);
        while above != self.root {
            let Some((parent, name, from)) = self.place(above, revision)? else { return Ok(None) };
            names.push(name);
            since = since.max(from);
            above = parent;
        }
        let path = names.iter().rev().try_fold(RelPath::root(), |path, name| path.join(name));
        Ok(path.ok().map(|path| (row, path, since)))
    }

    /// Where a directory is at a revision, and since when; nothing if it is not there.
    fn place(&mut self, node: Node, revision: u64) -> Result<Option<(Node, Name, u64)>, CatalogError> {
        let Some(row) = self.catalog.node_at(node, revision)? else { return Ok(None) };
        if let Some((parent, name, since)) = self.known.get(&node)
            && (*parent, name) == (row.parent, &row.name)
            && *since <= revision
        {
            return Ok(Some((*parent, name.clone(), *since)));
        }
        let since = self.catalog.since_at_place(&row, revision)?;
        self.known.insert(node, (row.parent, row.name.clone(), since));
        Ok(Some((row.parent, row.name, since)))
    }
}

fn read_revision(row: &rusqlite::Row<'_>) -> Result<Revision, CatalogError> {
    let digest = id(&row.get::<_, Vec<u8>>(1)?, RevisionDigest::from_slice)?;
    let round: Option<Vec<u8>> = row.get(3)?;
    let started: Option<i64> = row.get(4)?;
    let round = match (round, started) {
        (Some(round), Some(started)) => {
            Some(Round { id: id(&round, RoundId::from_slice)?, started: Timestamp::from_nanos(started) })
        }
        _ => None,
    };
    let count = |column| row.get::<_, i64>(column).map(unsigned);
    Ok(Revision {
        head: Head { number: unsigned(row.get(0)?), digest },
        committed_at: Timestamp::from_nanos(row.get(2)?),
        round,
        counts: ChangeCounts {
            created: count(5)?,
            modified: count(6)?,
            metadata: count(7)?,
            deleted: count(8)?,
            moved: count(9)?,
            replaced: count(10)?,
        },
    })
}
