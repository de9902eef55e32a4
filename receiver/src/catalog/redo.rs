//! The redo log: steps that a revision still needs on disk.

use protocol::Timestamp;
use rusqlite::params;

use crate::catalog::row::{signed, unsigned};
use crate::catalog::{Catalog, CatalogError, MirrorId, Node};

/// The unfinished revision of a mirror, and the rows of its redo log in order.
pub(crate) type Unfinished = (u64, Vec<Vec<u8>>);

impl Catalog {
    /// What a mirror still has to do. There is never more than one unfinished revision: the next waits for it.
    pub(crate) fn unfinished(&self, mirror: MirrorId) -> Result<Option<Unfinished>, CatalogError> {
        let sql = "SELECT revision, step FROM step WHERE mirror = ?1 ORDER BY revision, place";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((mirror,))?;
        let mut unfinished: Option<Unfinished> = None;
        while let Some(row) = rows.next()? {
            let (revision, step): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let (_, steps) = unfinished.get_or_insert_with(|| (unsigned(revision), Vec::new()));
            steps.push(step);
        }
        Ok(unfinished)
    }

    /// A revision is on disk. Corrects what the disk made of some mtimes.
    pub(crate) fn finish(
        &mut self,
        mirror: MirrorId,
        revision: u64,
        kept_mtimes: &[(Node, Timestamp)],
    ) -> Result<(), CatalogError> {
        let transaction = self.connection.transaction()?;
        transaction
            .prepare_cached("DELETE FROM step WHERE mirror = ?1 AND revision = ?2")?
            .execute((mirror, signed(revision)))?;
        for (node, mtime) in kept_mtimes {
            transaction
                .prepare_cached("UPDATE entry SET disk_mtime = ?2 WHERE node = ?1 AND to_rev IS NULL")?
                .execute(params![node, mtime.as_nanos()])?;
        }
        Ok(transaction.commit()?)
    }
}
