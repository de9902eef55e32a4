//! What tests ask a catalog, and how much work its answers are.

use rusqlite::StatementStatus;

use super::contents::{CLOSED_WITH, CURRENT_WITH};
use super::lookup::{LAST_AT_PLACE, LAST_OF_NODE, NEWEST_AT_PLACE, NEWEST_OF_NODE, select};
use super::{Catalog, CatalogPlace, Node};

impl Catalog {
    /// How many rows there are of a table, with a condition.
    pub(crate) fn count(&self, of: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {of}");
        self.connection.query_row(&sql, [], |row| row.get(0)).expect("a table and a condition")
    }

    /// Does something that no commit does.
    pub(crate) fn run(&self, sql: &str) {
        self.connection.execute_batch(sql).expect("a good statement");
    }

    /// What was asked for already was found without going through many rows, and planned once.
    fn found_at_once(&self, condition: &str) {
        let statement = self.connection.prepare_cached(&select(condition)).expect("was prepared before");
        let steps = statement.get_status(StatementStatus::VmStep);
        assert!((1..1_000).contains(&steps), "{condition}: {steps} steps");
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{condition}: planned anew");
    }
}

/// Revisions of one file, and files that share its content.
const MANY: u64 = 20_000;

/// A catalog with a file that changed in every revision, its content one of three, and as many files as that which
/// came in the first revision and stayed, all of the same content.
fn long_history() -> Catalog {
    let catalog = Catalog::open(&CatalogPlace::Memory).expect("memory");
    let columns = "mirror, node, kind, mode, mtime, uid, gid, attributes, size, content, target, inode, disk_size, \
                   disk_mtime, version";
    let rest = |node: &str, content: &str| {
        format!("1, {node}, 1, 0, 0, 0, 0, NULL, 0, {content}, NULL, 0, 0, 0, NULL FROM number")
    };
    let (changing, staying) = (rest("7", "CAST(printf('%032d', n % 3) AS BLOB)"), rest("100 + n", "zeroblob(32)"));
    let number = format!("WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT {MANY})");
    catalog.run("PRAGMA foreign_keys = OFF");
    catalog.run(&format!(
        "{number} INSERT INTO entry (parent_node, name, from_rev, to_rev, {columns}) \
         SELECT 1, CAST('f' AS BLOB), n, iif(n = {MANY}, NULL, n + 1), {changing};
         {number} INSERT INTO entry (parent_node, name, from_rev, to_rev, {columns}) \
         SELECT 2, CAST('f' || n AS BLOB), 1, NULL, {staying};"
    ));
    catalog
}

#[test]
fn a_row_is_found_at_once_however_long_its_history_is() {
    let (catalog, name) = (long_history(), protocol::Name::parse(b"f").expect("a valid name"));
    let from = |row: Option<super::Row>| row.map(|row| row.from);
    assert_eq!(from(catalog.child(Node(1), &name).expect("answers")), Some(MANY));
    assert_eq!(from(catalog.newest_of(Node(7)).expect("answers")), Some(MANY));
    for revision in [0, 1, 2, MANY / 2, MANY, MANY + 1] {
        let expected = (revision > 0).then_some(revision.min(MANY));
        assert_eq!(from(catalog.child_at(Node(1), &name, revision).expect("answers")), expected);
        assert_eq!(from(catalog.node_at(Node(7), revision).expect("answers")), expected);
    }
    for condition in [NEWEST_AT_PLACE, LAST_AT_PLACE, NEWEST_OF_NODE, LAST_OF_NODE] {
        catalog.found_at_once(condition);
    }
}

#[test]
fn a_content_is_found_at_once_however_many_rows_share_it() {
    let catalog = long_history();
    let mut old = [b'0'; 32];
    old[31] = b'1';
    for (content, are_current) in [([0; 32], true), (old, false)] {
        let rows = catalog.rows_with(protocol::ContentId::from_bytes(content)).expect("answers");
        assert_eq!(rows.len(), 8);
        assert!(rows.iter().all(|row| row.to.is_none() == are_current));
        assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row.to)), "the last first");
    }
    for condition in [CURRENT_WITH, CLOSED_WITH] {
        catalog.found_at_once(condition);
    }
}
