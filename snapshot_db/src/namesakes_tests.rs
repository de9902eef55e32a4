//! Directories are found again by their inodes.

use seams::recorded::{MOST_NAMESAKES, Recorded};

use super::WITH_INODE;
use crate::Snapshot;
use crate::testing::{directory, head, moved, path, snapshot};

fn found(snapshot: &Snapshot, inode: u64) -> Vec<String> {
    let found = snapshot.directories_with_inode(inode).expect("readable");
    found.into_iter().map(|found| found.path.to_string()).collect()
}

#[test]
fn a_directory_is_found_by_its_inode_where_the_mirror_has_it() {
    let snapshot = snapshot(&["a/", "a/b/", "a/b/f=1", "c/"]);
    snapshot.record_inodes(&[(path("a/b"), 7), (path("c"), u64::MAX)]).expect("recorded");
    assert_eq!((found(&snapshot, 7), found(&snapshot, 8)), (vec!["a/b".to_owned()], vec![]));
    assert_eq!(found(&snapshot, u64::MAX), ["c"]);
    let found_again = snapshot.directories_with_inode(7).expect("readable");
    assert_eq!((&found_again[0].entry, found_again.len()), (&directory(), 1));
    let rows = snapshot.rows(found_again[0].id).expect("readable");
    assert_eq!(rows[0].name.as_bytes(), b"f", "its number leads to what is in it");
    snapshot.acknowledge(head(2), &[moved("a/b", "c/d", directory())]).expect("fits");
    assert_eq!(found(&snapshot, 7), ["c/d"]);
}

#[test]
fn a_directory_that_nobody_acknowledged_is_not_found() {
    let snapshot = snapshot(&["a/"]);
    snapshot.record_inodes(&[(path("new"), 7)]).expect("recorded");
    assert_eq!(found(&snapshot, 7), Vec::<String>::new());
}

#[test]
fn of_many_directories_with_one_inode_a_few_are_named() {
    let names: Vec<String> = (0..=MOST_NAMESAKES).map(|n| format!("d{n:02}/")).collect();
    let snapshot = snapshot(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let inodes: Vec<_> = names.iter().map(|name| (path(name.trim_end_matches('/')), 7)).collect();
    snapshot.record_inodes(&inodes).expect("recorded");
    let expected: Vec<&str> = names[..MOST_NAMESAKES].iter().map(|name| name.trim_end_matches('/')).collect();
    assert_eq!(found(&snapshot, 7), expected);
}

#[test]
fn looking_for_an_inode_reads_no_other_directory() {
    let snapshot = snapshot(&["a/"]);
    let plan =
        snapshot.writer().query_row(&format!("EXPLAIN QUERY PLAN {WITH_INODE}"), rusqlite::params![7, 0], |row| {
            row.get::<_, String>(3)
        });
    assert!(plan.expect("explained").contains("USING INDEX entry_inode"));
}
