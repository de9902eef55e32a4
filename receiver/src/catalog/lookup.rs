//! Looking up single rows: by place, by node, at a revision.
//!
//! No two rows of one place, or of one node, hold in the same revision. So only the newest that begins early enough
//! can be the one asked for, and it is found at once, however long the history is.

use protocol::{Name, RelPath};
use rusqlite::Params;

use crate::catalog::row::{COLUMNS, signed};
use crate::catalog::{Catalog, CatalogError, Node, Row};

/// The last row of a place.
pub(super) const NEWEST_AT_PLACE: &str = "parent_node = ?1 AND name = ?2 ORDER BY from_rev DESC LIMIT 1";
/// The last row of a place that began no later than a revision.
pub(super) const LAST_AT_PLACE: &str =
    "parent_node = ?1 AND name = ?2 AND from_rev <= ?3 ORDER BY from_rev DESC LIMIT 1";
/// The last row of a node.
pub(super) const NEWEST_OF_NODE: &str = "node = ?1 ORDER BY from_rev DESC LIMIT 1";
/// The last row of a node that began no later than a revision.
pub(super) const LAST_OF_NODE: &str = "node = ?1 AND from_rev <= ?2 ORDER BY from_rev DESC LIMIT 1";
/// The first row of a node that began no earlier than a revision.
pub(super) const NEXT_OF_NODE: &str = "node = ?1 AND from_rev >= ?2 ORDER BY from_rev LIMIT 1";
/// The last row of a node that began before a revision.
pub(super) const BEFORE_OF_NODE: &str = "node = ?1 AND from_rev < ?2 ORDER BY from_rev DESC LIMIT 1";

/// The statement for the rows that fulfil a condition.
pub(super) fn select(condition: &str) -> String {
    format!("SELECT {COLUMNS} FROM entry WHERE {condition}")
}

impl Catalog {
    /// What is at a place of the head.
    pub(crate) fn child(&self, parent: Node, name: &Name) -> Result<Option<Row>, CatalogError> {
        let newest = self.row(NEWEST_AT_PLACE, (parent, name.as_bytes()))?;
        Ok(newest.filter(|row| row.to.is_none()))
    }

    /// What is at a place of a revision.
    pub(crate) fn child_at(&self, parent: Node, name: &Name, revision: u64) -> Result<Option<Row>, CatalogError> {
        let last = self.row(LAST_AT_PLACE, (parent, name.as_bytes(), signed(revision)))?;
        Ok(last.filter(|row| row.spans(revision)))
    }

    /// What is at a path of a revision.
    pub(crate) fn row_at(&self, root: Node, path: &RelPath, revision: u64) -> Result<Option<Row>, CatalogError> {
        let mut node = root;
        let mut found = self.node_at(root, revision)?;
        for name in path.components() {
            found = self.child_at(node, &name, revision)?;
            match &found {
                Some(row) => node = row.node,
                None => return Ok(None),
            }
        }
        Ok(found)
    }

    /// A node's row at a revision. Whether its ancestors are there is another question.
    pub(crate) fn node_at(&self, node: Node, revision: u64) -> Result<Option<Row>, CatalogError> {
        let last = self.row(LAST_OF_NODE, (node, signed(revision)))?;
        Ok(last.filter(|row| row.spans(revision)))
    }

    /// A node's newest row, open or closed.
    pub(crate) fn newest_of(&self, node: Node) -> Result<Option<Row>, CatalogError> {
        self.row(NEWEST_OF_NODE, (node,))
    }

    /// The entries of a directory at a revision, sorted by name, at most `limit` after a name.
    pub(crate) fn children_at(
        &self,
        parent: Node,
        revision: u64,
        after: Option<&Name>,
        limit: u32,
    ) -> Result<Vec<Row>, CatalogError> {
        let condition = "parent_node = ?1 AND name > ?2 AND from_rev <= ?3 AND (to_rev IS NULL OR to_rev > ?3) \
                         ORDER BY name LIMIT ?4";
        let after = after.map_or(&[][..], Name::as_bytes);
        self.rows(condition, (parent, after, signed(revision), limit))
    }

    /// The row that fulfils a condition.
    pub(super) fn row(&self, condition: &str, parameters: impl Params) -> Result<Option<Row>, CatalogError> {
        Ok(self.rows(condition, parameters)?.pop())
    }

    /// The rows that fulfil a condition.
    pub(super) fn rows(&self, condition: &str, parameters: impl Params) -> Result<Vec<Row>, CatalogError> {
        let mut statement = self.connection.prepare_cached(&select(condition))?;
        let mut found = statement.query(parameters)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(Row::read(row)?);
        }
        Ok(rows)
    }
}
