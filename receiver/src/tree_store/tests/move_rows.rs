//! What a directory move costs in the catalog: one row closed and one opened, whatever lies below.

use std::time::{Duration, Instant};

use protocol::wire::Committed;
use protocol::{Change, Name};

use super::world::MemoryWorld;
use crate::store::conformance::is_long;
use crate::store::conformance::peer::{Peer, create, directory, moved, path};
use crate::tree_store::TreeStore;

/// Rows below the directory, in a normal run and in a long one.
const ROWS: [u64; 2] = [10_000, 1_000_000];
/// A move may take no longer, in a long run on a machine that does nothing else.
const LONGEST: Duration = Duration::from_millis(10);

/// Puts so many files below a directory, of which only the catalog knows: a move looks at none of them.
fn fill(store: &TreeStore, peer: &Peer<'_>, name: &str, files: u64) {
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    let mirror = client.mirror(&peer.mirror).expect("was claimed");
    let name = Name::parse(name.as_bytes()).expect("a valid name");
    let node = client.catalog().child(mirror.root, &name).expect("answers").expect("was delivered").node.0;
    client.catalog().run(&format!(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number LIMIT {files}) \
         INSERT INTO entry (parent_node, name, from_rev, to_rev, mirror, node, kind, mode, mtime, uid, gid, size, \
             content, inode, disk_size, disk_mtime) \
         SELECT {node}, CAST('f' || n AS BLOB), 1, NULL, {}, 1000000 + n, 1, 0, 0, 0, 0, 0, zeroblob(32), n, 0, 0 \
         FROM number",
        mirror.id.0
    ));
}

/// Commits a batch, and answers how long that took.
fn timed(peer: &Peer<'_>, changes: &[Change]) -> Duration {
    let base = peer.head();
    assert_eq!(peer.open(changes, peer.plans(changes)), []);
    let began = Instant::now();
    let committed = peer.commit_on(base, changes).expect("commits");
    let took = began.elapsed();
    assert!(matches!(committed, Committed::Durable { .. }), "{committed:?}");
    took
}

#[test]
fn a_directory_move_is_one_row_closed_and_one_opened_whatever_lies_below() {
    let files = ROWS[usize::from(is_long())];
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let peer = Peer::new(&store);
    peer.deliver(&[create("old", directory()), create("other", directory())]);
    fill(&store, &peer, "old", files);
    let took = timed(&peer, &[moved("old", "other/new", directory())]);
    println!("moving a directory of {files} rows took {took:?}");
    assert!(!is_long() || took < LONGEST, "{took:?}");
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    assert_eq!(client.catalog().count("entry WHERE to_rev = 2"), 1);
    assert_eq!(client.catalog().count("entry WHERE from_rev = 2"), 1);
    assert_eq!(client.catalog().count("entry WHERE to_rev IS NULL"), i64::try_from(files).expect("small") + 3);
    for (revision, at) in [(1, "old"), (2, "other/new")] {
        let tree = peer.tree_at(revision);
        assert_eq!(tree.len() as u64, files + 2);
        assert!(tree.get(&path(&format!("{at}/f{files}"))).is_some(), "revision {revision}");
    }
}

#[test]
fn directories_that_swap_are_two_rows_closed_and_two_opened() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let (one, two) = (peer.file("1"), peer.file("2"));
    peer.deliver(&[create("a", directory()), create("b", directory()), create("a/f", one), create("b/f", two)]);
    peer.deliver(&[moved("a", "b", directory()), moved("b", "a", directory())]);
    let client = store.known(&peer.client).expect("can be opened").expect("has a mirror");
    assert_eq!(client.catalog().count("entry WHERE to_rev = 2"), 2);
    assert_eq!(client.catalog().count("entry WHERE from_rev = 2"), 2);
    assert_eq!(peer.changes_between(store_head(&peer, 1), 2).len(), 2, "and catching up is two changes");
}

fn store_head(peer: &Peer<'_>, revision: u64) -> protocol::Head {
    let request = protocol::wire::ListAt { mirror: peer.mirror.clone(), revision: Some(revision), after: None };
    peer.store.list_at(&peer.client, &request).expect("is there").revision
}
