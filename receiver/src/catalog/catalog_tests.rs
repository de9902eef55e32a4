//! What tests ask a catalog.

use super::Catalog;

impl Catalog {
    /// How many rows there are of a table, with a condition.
    pub(crate) fn count(&self, of: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {of}");
        self.connection.query_row(&sql, [], |row| row.get(0)).expect("a table and a condition")
    }
}
