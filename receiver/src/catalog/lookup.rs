//! Looking up single rows: by place, by node, at a revision.

use protocol::{Name, RelPath};
use rusqlite::Params;

use crate::catalog::row::{COLUMNS, signed};
use crate::catalog::{Catalog, CatalogError, Node, Row};

impl Catalog {
    /// What is at a place of the head.
    pub(crate) fn child(&self, parent: Node, name: &Name) -> Result<Option<Row>, CatalogError> {
        let condition = "parent_node = ?1 AND name = ?2 AND to_rev IS NULL";
        self.row(condition, (parent, name.as_bytes()))
    }

    /// What is at a place of a revision.
    pub(crate) fn child_at(&self, parent: Node, name: &Name, revision: u64) -> Result<Option<Row>, CatalogError> {
        let condition = "parent_node = ?1 AND name = ?2 AND from_rev <= ?3 AND (to_rev IS NULL OR to_rev > ?3)";
        self.row(condition, (parent, name.as_bytes(), signed(revision)))
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
        let condition = "node = ?1 AND from_rev <= ?2 AND (to_rev IS NULL OR to_rev > ?2)";
        self.row(condition, (node, signed(revision)))
    }

    /// A node's newest row, open or closed.
    pub(crate) fn newest_of(&self, node: Node) -> Result<Option<Row>, CatalogError> {
        self.row("node = ?1 ORDER BY from_rev DESC LIMIT 1", (node,))
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
        let sql = format!("SELECT {COLUMNS} FROM entry WHERE {condition}");
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut found = statement.query(parameters)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(Row::read(row)?);
        }
        Ok(rows)
    }
}
