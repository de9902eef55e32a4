//! Counting files: how many a mirror has, and how many ceased to exist by its revisions.
//!
//! A file ceases to exist when its node closes and does not go on: by itself, or with a directory above it, whose
//! rows below stay open (rule 1 of docs/CATALOG.md). Each commit counts only the rows below what it deletes.

use std::collections::HashSet;

use protocol::{Kind, Timestamp};
use rusqlite::{Connection, params};

use crate::catalog::row::{signed, unsigned};
use crate::catalog::{Batch, Catalog, CatalogError, MirrorId, Node};

/// What the brake goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileCounts {
    /// Files that ceased to exist by revisions after a moment.
    pub(crate) ended: u64,
    /// Files in the mirror now.
    pub(crate) now: u64,
}

impl Catalog {
    /// How many files a mirror has, and how many ceased to exist by revisions after `since`.
    pub(crate) fn file_counts(&self, mirror: MirrorId, since: Timestamp) -> Result<FileCounts, CatalogError> {
        // The index holds only revisions by which files ended.
        let sql = "SELECT files, (SELECT coalesce(sum(ended_files), 0) FROM revision \
                       WHERE mirror = ?1 AND committed_at > ?2 AND ended_files > 0) \
                   FROM mirror WHERE id = ?1";
        let counts = self.connection.prepare_cached(sql)?.query_row((mirror, since.as_nanos()), |row| {
            Ok(FileCounts { now: unsigned(row.get(0)?), ended: unsigned(row.get(1)?) })
        })?;
        Ok(counts)
    }
}

/// How many files cease to exist by a batch whose rows are closed and opened already, noted in the mirror's count.
pub(super) fn settle_files(connection: &Connection, batch: &Batch) -> Result<u64, CatalogError> {
    let goes_on: HashSet<Node> = batch.openings.iter().map(|opening| opening.node).collect();
    let was_there: HashSet<Node> = batch.closings.iter().map(|closing| closing.row.node).collect();
    let mut ended = 0;
    for row in batch.closings.iter().map(|closing| &closing.row).filter(|row| !goes_on.contains(&row.node)) {
        ended += match row.entry.kind() {
            Kind::File => 1,
            Kind::Directory => files_below(connection, row.node)?,
            Kind::Symlink => 0,
        };
    }
    let is_new_file = |node: &Node, kind: Kind| kind == Kind::File && !was_there.contains(node);
    let arrived = batch.openings.iter().filter(|opening| is_new_file(&opening.node, opening.entry.kind())).count();
    let sql = "UPDATE mirror SET files = max(0, files + ?2 - ?3) WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![batch.mirror, signed(arrived as u64), signed(ended)])?;
    Ok(ended)
}

/// Files in a directory that was closed, and below. What moved out of there was closed, too, and is not counted.
fn files_below(connection: &Connection, directory: Node) -> Result<u64, CatalogError> {
    let sql = "WITH RECURSIVE directory (node) AS (\
                   VALUES (?1) \
                   UNION ALL \
                   SELECT entry.node FROM directory JOIN entry ON entry.parent_node = directory.node \
                   WHERE entry.to_rev IS NULL AND entry.kind = 0) \
               SELECT count(*) FROM directory JOIN entry ON entry.parent_node = directory.node \
               WHERE entry.to_rev IS NULL AND entry.kind = 1";
    Ok(unsigned(connection.prepare_cached(sql)?.query_row((directory,), |row| row.get(0))?))
}

/// Bytes of the files that lie in a directory that was closed, and below.
pub(super) fn bytes_below(connection: &Connection, directory: Node) -> Result<u64, CatalogError> {
    let sql = "WITH RECURSIVE directory (node) AS (\
                   VALUES (?1) \
                   UNION ALL \
                   SELECT entry.node FROM directory JOIN entry ON entry.parent_node = directory.node \
                   WHERE entry.to_rev IS NULL AND entry.kind = 0) \
               SELECT coalesce(sum(entry.size), 0) FROM directory JOIN entry ON entry.parent_node = directory.node \
               WHERE entry.to_rev IS NULL";
    Ok(unsigned(connection.prepare_cached(sql)?.query_row((directory,), |row| row.get(0))?))
}
