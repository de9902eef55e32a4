//! How far the scrub of a client's files has come.

use protocol::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::catalog::row::{signed, unsigned};
use crate::catalog::{Catalog, CatalogError, DamageKey, Node, Row};

/// One pass of the scrub through everything that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    /// When it began, or is to begin.
    pub(crate) began: Timestamp,
    /// How many bytes there were when it did.
    pub(crate) total: u64,
    /// How many of them were read.
    pub(crate) read: u64,
    /// The last row that was looked at.
    pub(crate) last: DamageKey,
}

impl Catalog {
    /// The pass under way; nothing before the first.
    pub(crate) fn pass(&self) -> Result<Option<Pass>, CatalogError> {
        let sql = "SELECT began_at, total, read, node, from_rev FROM scrub";
        let pass = self.connection.prepare_cached(sql)?.query_row([], |row| {
            let last = DamageKey { node: row.get(3)?, from: unsigned(row.get(4)?) };
            let began = Timestamp::from_nanos(row.get(0)?);
            Ok(Pass { began, total: unsigned(row.get(1)?), read: unsigned(row.get(2)?), last })
        });
        Ok(pass.optional()?)
    }

    /// Begins a pass.
    pub(crate) fn begin_pass(&mut self, began: Timestamp) -> Result<Pass, CatalogError> {
        let sql = "SELECT coalesce(sum(size), 0) FROM entry WHERE content IS NOT NULL";
        let total = unsigned(self.connection.query_row(sql, [], |row| row.get(0))?);
        let pass = Pass { began, total, read: 0, last: DamageKey { node: Node(-1), from: 0 } };
        self.keep_pass(&pass)?;
        Ok(pass)
    }

    /// Notes how far it has come.
    pub(crate) fn keep_pass(&mut self, pass: &Pass) -> Result<(), CatalogError> {
        let sql = "INSERT OR REPLACE INTO scrub VALUES (0, ?1, ?2, ?3, ?4, ?5)";
        let (total, read) = (signed(pass.total), signed(pass.read));
        let values = params![pass.began.as_nanos(), total, read, pass.last.node, signed(pass.last.from)];
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// The rows of files after one, by node, each of them one whose own file there may be.
    pub(crate) fn files_after(&self, last: DamageKey, most: u32) -> Result<Vec<Row>, CatalogError> {
        let condition = "(node, from_rev) > (?1, ?2) AND content IS NOT NULL ORDER BY node, from_rev LIMIT ?3";
        self.rows(condition, (last.node, signed(last.from), most))
    }

    /// Whether the bytes of a row are looked for under it, and not under a later one that they live on in.
    pub(crate) fn is_own(&self, row: &Row) -> Result<bool, CatalogError> {
        let last = self.last_same(row.clone())?;
        Ok(last.is_some_and(|last| (last.node, last.from) == (row.node, row.from)))
    }
}
