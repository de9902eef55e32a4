//! [`Catalog`]: what one client has: mirrors, revisions, entries over ranges of revisions, kept versions, redo steps.
//!
//! docs/CATALOG.md documents the schema. Two rules hold everywhere: a directory is a node whose number is never
//! used again, so that moving or deleting it touches one row; and a row is in the tree of a revision only if the
//! rows of all its ancestors are, so that every query goes from the root down or from a node up to the root.

mod batch;
mod contents;
mod damage;
mod difference;
mod error;
mod files;
mod forget;
mod listing;
mod lookup;
mod mirrors;
mod open;
mod overview;
mod past;
mod rebuild;
mod redo;
mod retention;
mod row;
mod scrubbing;

pub(crate) use batch::{Batch, Closing, KeptVersion, Opening, RevisionRecord};
pub(crate) use contents::Place;
pub(crate) use damage::{DamageKey, Repair};
pub(crate) use error::CatalogError;
pub(crate) use forget::{Discarded, Forget};
pub(crate) use mirrors::MirrorRecord;
pub(crate) use open::CatalogPlace;
pub use overview::{MirrorOverview, Overview};
pub(crate) use past::Ancestry;
pub(crate) use rebuild::FOUND;
pub(crate) use retention::{Due, Gap};
pub(crate) use row::{Disk, MirrorId, Node, Row, VersionId};
pub(crate) use scrubbing::Pass;

use rusqlite::Connection;

/// One client's catalog. Not shared between threads: its owner holds it in a lock.
#[derive(Debug)]
pub(crate) struct Catalog {
    connection: Connection,
}

impl Catalog {
    /// Does many look-ups as one: all see the same state, and the file is locked once instead of for each.
    pub(crate) fn together<T>(&self, work: impl FnOnce(&Self) -> Result<T, CatalogError>) -> Result<T, CatalogError> {
        let _read_only = self.connection.unchecked_transaction()?;
        work(self)
    }
}

#[cfg(test)]
#[path = "catalog/catalog_tests.rs"]
mod tests;
