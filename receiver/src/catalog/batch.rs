//! [`Batch`]: one revision as one transaction: the point of no return.

use std::collections::HashSet;

use protocol::wire::Round;
use protocol::{ChangeKind, ContentId, Entry, Head, Lineage, Name, RelPath, Timestamp};
use rusqlite::{Connection, params};

use crate::catalog::damage::settle_damage;
use crate::catalog::files::{bytes_below, settle_files};
use crate::catalog::row::{attributes_blob, kind_number, signed};
use crate::catalog::{Catalog, CatalogError, Disk, MirrorId, Node, Row, VersionId};

/// A new revision.
#[derive(Debug, Clone)]
pub(crate) struct RevisionRecord {
    /// Its number and digest.
    pub(crate) head: Head,
    /// Who wrote it.
    pub(crate) lineage: Lineage,
    /// In which round.
    pub(crate) round: Round,
    /// When; never before the revision it follows.
    pub(crate) committed_at: Timestamp,
    /// The kinds of its changes.
    pub(crate) kinds: Vec<ChangeKind>,
}

/// A row that ends with the revision before.
#[derive(Debug, Clone)]
pub(crate) struct Closing {
    /// Which.
    pub(crate) row: Row,
    /// Where the thing is kept from now on, if it does not go on in another row.
    pub(crate) version: Option<VersionId>,
}

/// A row that begins with the new revision.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    /// The directory it is in.
    pub(crate) parent: Node,
    /// Its name there.
    pub(crate) name: Name,
    /// What it is.
    pub(crate) node: Node,
    /// Its state.
    pub(crate) entry: Entry,
    /// What the disk says of it.
    pub(crate) disk: Disk,
}

/// Something that goes to the kept versions.
#[derive(Debug, Clone)]
pub(crate) struct KeptVersion {
    /// Its number there.
    pub(crate) id: VersionId,
    /// The revision that it gave way to.
    pub(crate) revision: u64,
    /// What it was; nothing for what was not ours.
    pub(crate) node: Option<Node>,
    /// Where it lay.
    pub(crate) path: RelPath,
    /// Its length, of files.
    pub(crate) size: Option<u64>,
}

/// Everything that a commit writes.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Which mirror.
    pub(crate) mirror: MirrorId,
    /// The new revision.
    pub(crate) revision: RevisionRecord,
    /// Rows that end.
    pub(crate) closings: Vec<Closing>,
    /// Rows that begin.
    pub(crate) openings: Vec<Opening>,
    /// What is kept.
    pub(crate) versions: Vec<KeptVersion>,
    /// The rows of the redo log, in order.
    pub(crate) steps: Vec<Vec<u8>>,
    /// Nodes whose thing is made anew.
    pub(crate) fresh: HashSet<Node>,
    /// Contents that came anew: they are not wanted any more.
    pub(crate) arrived: Vec<ContentId>,
    /// The next numbers of nodes and versions.
    pub(crate) next: (Node, VersionId),
}

impl Catalog {
    /// Writes a batch, all or nothing, durably.
    pub(crate) fn commit(&mut self, batch: &Batch) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        let number = batch.revision.head.number;
        close_rows(&transaction, number, &batch.closings)?;
        for opening in &batch.openings {
            insert_row(&transaction, batch.mirror, number, opening)?;
        }
        let ended_files = settle_files(&transaction, batch)?;
        insert_revision(&transaction, batch.mirror, &batch.revision, ended_files)?;
        for version in &batch.versions {
            insert_version(&transaction, batch.mirror, version, batch.revision.committed_at)?;
        }
        insert_steps(&transaction, batch.mirror, number, &batch.steps)?;
        settle_damage(&transaction, batch)?;
        forget_wanted(&transaction, &batch.arrived)?;
        raise_sequences(&transaction, batch.next)?;
        Ok(transaction.commit()?)
    }

    /// What some things will take among the versions.
    pub(crate) fn bytes_of(&self, versions: &[KeptVersion]) -> Result<u64, CatalogError> {
        versions
            .iter()
            .try_fold(0u64, |sum, version| Ok(sum.saturating_add(bytes_of_version(&self.connection, version)?)))
    }

    /// Records something that was in the way and not ours, before it is moved away.
    pub(crate) fn keep_foreign(
        &mut self,
        mirror: MirrorId,
        version: &KeptVersion,
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        insert_version(&transaction, mirror, version, now)?;
        raise_sequences(&transaction, (Node(0), VersionId(version.id.0 + 1)))?;
        Ok(transaction.commit()?)
    }

    /// The next numbers of nodes and versions that nothing has.
    pub(crate) fn sequences(&self) -> Result<(Node, VersionId), CatalogError> {
        let next = |name| {
            self.connection.query_row("SELECT next FROM sequence WHERE name = ?1", [name], |row| row.get::<_, i64>(0))
        };
        Ok((Node(next("node")?), VersionId(next("version")?)))
    }
}

fn insert_revision(
    connection: &Connection,
    mirror: MirrorId,
    new: &RevisionRecord,
    ended_files: u64,
) -> Result<(), CatalogError> {
    let count = |kind| i64::try_from(new.kinds.iter().filter(|k| **k == kind).count()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO revision VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 0, NULL)";
    connection.prepare_cached(sql)?.execute(params![
        mirror,
        signed(new.head.number),
        new.head.digest.as_bytes(),
        new.lineage.as_bytes(),
        new.round.id.as_bytes(),
        new.round.started.as_nanos(),
        new.committed_at.as_nanos(),
        count(ChangeKind::Create),
        count(ChangeKind::Modify),
        count(ChangeKind::Metadata),
        count(ChangeKind::Delete),
        count(ChangeKind::Move),
        count(ChangeKind::Replace),
        signed(ended_files),
    ])?;
    Ok(())
}

fn close_rows(connection: &Connection, revision: u64, closings: &[Closing]) -> Result<(), CatalogError> {
    let sql = "UPDATE entry SET to_rev = ?4, version = ?5 \
               WHERE parent_node = ?1 AND name = ?2 AND from_rev = ?3 AND to_rev IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    for Closing { row, version } in closings {
        let key = (row.parent, row.name.as_bytes(), signed(row.from));
        let closed = statement.execute(params![key.0, key.1, key.2, signed(revision), version])?;
        if closed != 1 {
            return Err(CatalogError::Damaged("a row vanished while its revision was planned".to_owned()));
        }
    }
    Ok(())
}

/// Opens one row.
pub(super) fn insert_row(
    connection: &Connection,
    mirror: MirrorId,
    revision: u64,
    new: &Opening,
) -> Result<(), CatalogError> {
    let sql = "INSERT INTO entry VALUES \
               (?1, ?2, ?3, NULL, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, NULL)";
    let metadata = new.entry.metadata();
    let content = new.entry.content();
    let target = if let Entry::Symlink { target, .. } = &new.entry { Some(target.as_bytes()) } else { None };
    connection.prepare_cached(sql)?.execute(params![
        new.parent,
        new.name.as_bytes(),
        signed(revision),
        mirror,
        new.node,
        kind_number(new.entry.kind()),
        metadata.mode,
        metadata.mtime.as_nanos(),
        metadata.uid,
        metadata.gid,
        attributes_blob(metadata),
        content.map(|(_, size)| signed(size)),
        content.as_ref().map(|(content, _)| content.as_bytes()),
        target,
        new.disk.inode.cast_signed(),
        signed(new.disk.size),
        new.disk.mtime.as_nanos(),
    ])?;
    Ok(())
}

/// Records something kept.
pub(super) fn insert_version(
    connection: &Connection,
    mirror: MirrorId,
    version: &KeptVersion,
    now: Timestamp,
) -> Result<(), CatalogError> {
    let bytes = bytes_of_version(connection, version)?;
    let sql = "INSERT INTO version (id, mirror, revision, node, path, kept_at, size, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    connection.prepare_cached(sql)?.execute(params![
        version.id,
        mirror,
        signed(version.revision),
        version.node,
        version.path.as_bytes(),
        now.as_nanos(),
        version.size.map(signed),
        signed(bytes),
    ])?;
    Ok(())
}

/// What something takes among the versions.
fn bytes_of_version(connection: &Connection, version: &KeptVersion) -> Result<u64, CatalogError> {
    match (version.size, version.node) {
        (Some(size), _) => Ok(size),
        (None, Some(directory)) => bytes_below(connection, directory),
        (None, None) => Ok(0),
    }
}

/// Writes the redo log.
pub(super) fn insert_steps(
    connection: &Connection,
    mirror: MirrorId,
    revision: u64,
    steps: &[Vec<u8>],
) -> Result<(), CatalogError> {
    let mut statement = connection.prepare_cached("INSERT INTO step VALUES (?1, ?2, ?3, ?4)")?;
    for (place, step) in (0i64..).zip(steps) {
        statement.execute(params![mirror, signed(revision), place, step])?;
    }
    Ok(())
}

/// Contents that came anew are held again.
pub(super) fn forget_wanted(connection: &Connection, arrived: &[ContentId]) -> Result<(), CatalogError> {
    let mut statement = connection.prepare_cached("DELETE FROM wanted WHERE content = ?1")?;
    for content in arrived {
        statement.execute((content.as_bytes(),))?;
    }
    Ok(())
}

/// Notes the lowest numbers that nothing has had yet.
pub(super) fn raise_sequences(connection: &Connection, next: (Node, VersionId)) -> Result<(), CatalogError> {
    let mut statement = connection.prepare_cached("UPDATE sequence SET next = max(next, ?2) WHERE name = ?1")?;
    statement.execute(("node", next.0))?;
    statement.execute(("version", next.1))?;
    Ok(())
}
