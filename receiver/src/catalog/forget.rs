//! Forgetting rows that no kept revision needs, and noting what of the versions goes with them.
//!
//! A transaction forgets rows and writes down what is then to be done in `versions/`: so a crash leaves at most files
//! that are known to be of no use. Bytes that an earlier row of the same node still needs are never let go: a version
//! passes to that row; and what lies in a directory that goes is taken out of there first.

use protocol::{Kind, Name, RelPath, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::catalog::batch::{insert_version, raise_sequences};
use crate::catalog::lookup::{BEFORE_OF_NODE, LAST_OF_NODE, NEXT_OF_NODE};
use crate::catalog::row::{damaged, signed};
use crate::catalog::{Catalog, CatalogError, Gap, KeptVersion, MirrorId, Node, Place, Row, VersionId};

/// A row that no kept revision needs.
#[derive(Debug, Clone)]
pub(crate) enum Forget {
    /// One that was closed.
    Closed(Row),
    /// An open one below a directory that was deleted.
    Dead {
        /// The row.
        row: Row,
        /// Whether the directory that it is in goes, too, with everything in it.
        goes_along: bool,
    },
}

impl Forget {
    /// The row.
    pub(crate) fn row(&self) -> &Row {
        match self {
            Self::Closed(row) | Self::Dead { row, .. } => row,
        }
    }
}

/// Something to be done in `versions/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discarded {
    /// Its place in the order.
    pub(crate) id: i64,
    /// Which version.
    pub(crate) version: VersionId,
    /// What in it; the root path for all of it.
    pub(crate) path: RelPath,
    /// The version that it becomes; nothing if it is removed.
    pub(crate) becomes: Option<VersionId>,
}

impl Catalog {
    /// Some closed rows that lie wholly between two kept revisions.
    pub(crate) fn closed_in(&self, mirror: MirrorId, gap: Gap, limit: u32) -> Result<Vec<Row>, CatalogError> {
        let condition = "mirror = ?1 AND to_rev > ?2 AND to_rev <= ?3 AND from_rev > ?2 ORDER BY to_rev LIMIT ?4";
        self.rows(condition, (mirror, signed(gap.after), signed(gap.until), limit))
    }

    /// Directories that were in the kept revision before a gap and are not in the one after it.
    pub(crate) fn ended_in(&self, mirror: MirrorId, gap: Gap) -> Result<Vec<Node>, CatalogError> {
        let sql = "SELECT node FROM entry \
                   WHERE mirror = ?1 AND to_rev > ?2 AND to_rev <= ?3 AND from_rev <= ?2 AND kind = 0 \
                   AND NOT EXISTS (SELECT 1 FROM entry AS later \
                                   WHERE later.node = entry.node AND later.from_rev >= entry.to_rev)";
        let mut statement = self.connection.prepare_cached(sql)?;
        let nodes = statement.query_map((mirror, signed(gap.after), signed(gap.until)), |row| row.get(0))?;
        Ok(nodes.collect::<Result<_, _>>()?)
    }

    /// Open rows in a directory, sorted by name, after one.
    pub(crate) fn open_in(&self, directory: Node, after: Option<&Name>, limit: u32) -> Result<Vec<Row>, CatalogError> {
        let condition = "parent_node = ?1 AND name > ?2 AND to_rev IS NULL ORDER BY name LIMIT ?3";
        self.rows(condition, (directory, after.map_or(&[][..], Name::as_bytes), limit))
    }

    /// Whether a node has a row that began in this revision or before.
    pub(crate) fn is_in_or_before(&self, node: Node, revision: u64) -> Result<bool, CatalogError> {
        Ok(self.row(LAST_OF_NODE, (node, signed(revision)))?.is_some())
    }

    /// Whether nothing of a closed row's node is left that began after it.
    pub(crate) fn is_last(&self, row: &Row) -> Result<bool, CatalogError> {
        Ok(self.row(NEXT_OF_NODE, (row.node, row.to.map_or(i64::MAX, signed)))?.is_none())
    }

    /// Forgets rows, all or nothing. What lies in a directory comes before it. Answers whether something is to be taken
    /// out of a version.
    pub(crate) fn forget(
        &mut self,
        rows: &[Forget],
        new_version: &mut dyn FnMut() -> VersionId,
        now: Timestamp,
    ) -> Result<bool, CatalogError> {
        let transaction = self.connection.unchecked_transaction()?;
        let mut are_taken_out = false;
        for forget in rows {
            match forget {
                Forget::Closed(row) => self.forget_closed(row)?,
                Forget::Dead { row, goes_along } => {
                    are_taken_out |= self.forget_dead(row, *goes_along, new_version, now)?;
                }
            }
        }
        transaction.commit()?;
        Ok(are_taken_out)
    }

    fn forget_closed(&self, row: &Row) -> Result<(), CatalogError> {
        self.delete(row)?;
        let Some(version) = row.version else { return Ok(()) };
        match self.needs_bytes_of(row)? {
            Some(earlier) => self.set_version(&earlier, version),
            None => discard_version(&self.connection, version).map(drop),
        }
    }

    /// The row before one of the same node, if it lives on in that row.
    fn needs_bytes_of(&self, row: &Row) -> Result<Option<Row>, CatalogError> {
        let earlier = self.row(BEFORE_OF_NODE, (row.node, signed(row.from)))?;
        let has_bytes = row.entry.kind() != Kind::Symlink;
        Ok(earlier.filter(|earlier| has_bytes && earlier.version.is_none() && earlier.entry.same_content(&row.entry)))
    }

    fn forget_dead(
        &self,
        row: &Row,
        goes_along: bool,
        new_version: &mut dyn FnMut() -> VersionId,
        now: Timestamp,
    ) -> Result<bool, CatalogError> {
        let (version, path) = match self.place_of(row)? {
            Some(Place::Mirror(..)) => return Err(damaged("a row that is no part of the past was to be forgotten")),
            Some(Place::Version(version, path)) if !path.is_root() => (version, path),
            _ => return self.delete(row).map(|()| false),
        };
        let earlier = self.needs_bytes_of(row)?;
        self.delete(row)?;
        if let Some(earlier) = earlier {
            let id = new_version();
            self.take_out(row, (version, &path), id, now)?;
            self.set_version(&earlier, id)?;
            return Ok(true);
        }
        self.takes_less(version, row.entry.content().map_or(0, |(_, size)| size))?;
        if !goes_along {
            note(&self.connection, version, &path, None)?;
        }
        Ok(false)
    }

    /// Notes that a part of a version becomes one itself.
    fn take_out(
        &self,
        row: &Row,
        (version, path): (VersionId, &RelPath),
        id: VersionId,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let sql = "SELECT revision, bytes FROM version WHERE id = ?1";
        let whole: Option<(i64, i64)> =
            self.connection.query_row(sql, (version,), |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let revision = whole.map_or(row.from, |(revision, _)| crate::catalog::row::unsigned(revision));
        let size = row.entry.content().map(|(_, size)| size);
        let kept = KeptVersion { id, revision, node: Some(row.node), path: path.clone(), size };
        insert_version(&self.connection, row.mirror, &kept, now)?;
        raise_sequences(&self.connection, (Node(0), VersionId(id.0 + 1)))?;
        let sql = "UPDATE version SET bytes = max(0, bytes - (SELECT bytes FROM version WHERE id = ?2)) WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((version, id))?;
        note(&self.connection, version, path, Some(id))
    }

    fn delete(&self, row: &Row) -> Result<(), CatalogError> {
        let sql = "DELETE FROM entry WHERE parent_node = ?1 AND name = ?2 AND from_rev = ?3";
        self.connection.prepare_cached(sql)?.execute(params![row.parent, row.name.as_bytes(), signed(row.from)])?;
        Ok(())
    }

    fn set_version(&self, row: &Row, version: VersionId) -> Result<(), CatalogError> {
        let sql = "UPDATE entry SET version = ?4 WHERE parent_node = ?1 AND name = ?2 AND from_rev = ?3";
        let key = (row.parent, row.name.as_bytes(), signed(row.from));
        self.connection.prepare_cached(sql)?.execute(params![key.0, key.1, key.2, version])?;
        Ok(())
    }

    fn takes_less(&self, version: VersionId, bytes: u64) -> Result<(), CatalogError> {
        if bytes > 0 {
            let sql = "UPDATE version SET bytes = max(0, bytes - ?2) WHERE id = ?1";
            self.connection.prepare_cached(sql)?.execute(params![version, signed(bytes)])?;
        }
        Ok(())
    }

    /// What is to be done in `versions/`, in order.
    pub(crate) fn discarded(&self, limit: u32) -> Result<Vec<Discarded>, CatalogError> {
        let sql = "SELECT id, version, path, becomes FROM discarded ORDER BY id LIMIT ?1";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((limit,))?;
        let mut discarded = Vec::new();
        while let Some(row) = rows.next()? {
            let path: Vec<u8> = row.get(2)?;
            let path = if path.is_empty() { Ok(RelPath::root()) } else { RelPath::parse(&path) };
            let path = path.map_err(|error| damaged(format!("a path in a version: {error}")))?;
            discarded.push(Discarded { id: row.get(0)?, version: row.get(1)?, path, becomes: row.get(3)? });
        }
        Ok(discarded)
    }

    /// Whether something is still to be taken out of a version.
    pub(crate) fn are_taken_out(&self) -> Result<bool, CatalogError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM discarded WHERE becomes IS NOT NULL)";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Everything up to a place in the order is done.
    pub(crate) fn discarded_until(&mut self, id: i64) -> Result<(), CatalogError> {
        self.connection.execute("DELETE FROM discarded WHERE id <= ?1", (id,))?;
        Ok(())
    }
}

/// Forgets a version, and notes that it is to be removed. Answers how many rows that were.
pub(super) fn discard_version(connection: &Connection, version: VersionId) -> Result<usize, CatalogError> {
    note(connection, version, &RelPath::root(), None)?;
    Ok(connection.prepare_cached("DELETE FROM version WHERE id = ?1")?.execute((version,))?)
}

fn note(
    connection: &Connection,
    version: VersionId,
    path: &RelPath,
    becomes: Option<VersionId>,
) -> Result<(), CatalogError> {
    let sql = "INSERT INTO discarded (version, path, becomes) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![version, path.as_bytes(), becomes])?;
    Ok(())
}
