//! Writing a catalog anew from what lies on the disk: one revision, whose digest no client ever made.

use protocol::{Entry, Metadata, RevisionDigest, Timestamp};
use rusqlite::params;

use crate::catalog::batch::{insert_row, insert_version, raise_sequences};
use crate::catalog::row::signed;
use crate::catalog::{Catalog, CatalogError, Disk, KeptVersion, MirrorId, MirrorRecord, Node, Opening, VersionId};

/// The number of the revision that holds what was found.
pub(crate) const FOUND: u64 = 1;

impl Catalog {
    /// The revision that holds what was found, and its root.
    pub(crate) fn begin_found(
        &mut self,
        mirror: &MirrorRecord,
        digest: RevisionDigest,
        root: (Metadata, Disk),
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        let sql = "INSERT INTO revision VALUES (?1, ?2, ?3, NULL, NULL, NULL, ?4, 0, 0, 0, 0, 0, 0, 0, 0, NULL)";
        transaction.execute(sql, params![mirror.id, signed(FOUND), digest.as_bytes(), now.as_nanos()])?;
        let sql = "UPDATE entry SET to_rev = ?2 WHERE node = ?1 AND to_rev IS NULL";
        transaction.execute(sql, params![mirror.root, signed(FOUND)])?;
        let (metadata, disk) = root;
        let entry = Entry::Directory { metadata };
        let opening = Opening { parent: Node::CLIENT, name: mirror.name.as_name(), node: mirror.root, entry, disk };
        insert_row(&transaction, mirror.id, FOUND, &opening)?;
        Ok(transaction.commit()?)
    }

    /// Some of what was found in a mirror.
    pub(crate) fn add_found(&mut self, mirror: MirrorId, rows: &[Opening]) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        for row in rows {
            insert_row(&transaction, mirror, FOUND, row)?;
        }
        let files = rows.iter().filter(|row| row.entry.content().is_some()).count() as u64;
        transaction.execute("UPDATE mirror SET files = files + ?2 WHERE id = ?1", params![mirror, signed(files)])?;
        if let Some(last) = rows.iter().map(|row| row.node.0).max() {
            raise_sequences(&transaction, (Node(last + 1), VersionId(0)))?;
        }
        Ok(transaction.commit()?)
    }

    /// Something among the versions of which nobody knows any more what it was.
    pub(crate) fn keep_found(
        &mut self,
        mirror: MirrorId,
        versions: &[KeptVersion],
        now: Timestamp,
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        for version in versions {
            insert_version(&transaction, mirror, version, now)?;
            raise_sequences(&transaction, (Node(0), VersionId(version.id.0 + 1)))?;
        }
        Ok(transaction.commit()?)
    }

    /// Puts everything into the one file, so that it can be renamed.
    pub(crate) fn settle_in_one_file(&self) -> Result<(), CatalogError> {
        let busy: i64 = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 { Ok(()) } else { Err(CatalogError::Damaged("somebody else uses the new catalog".to_owned())) }
    }
}
