//! A catalog that was made anew from the files says what the old one said of them.

use protocol::{Change, Entry, Head, RelPath, Tree};
use seams::disk::Disk;
use seams::random::SystemRandom;

use super::world::{DiskWorld, as_on_disk, assert_is, present};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, link, metadata, modify, path};
use crate::tree_store::{RebuildError, rebuild_catalog};

/// Owners are not on disk: what is there is the receiver's own.
fn without_owners(tree: &Tree) -> Tree {
    let mut plain = Tree::new();
    let mut root = tree.root().clone();
    (root.uid, root.gid) = (0, 0);
    plain.set_root(root);
    for (path, entry) in tree.iter() {
        let mut entry = entry.clone();
        let metadata = entry.metadata_mut();
        (metadata.uid, metadata.gid) = (0, 0);
        plain.insert(path.clone(), entry);
    }
    plain
}

fn history(peer: &mut Peer<'_>) -> Tree {
    let [one, two, three] = ["one", "two", ""].map(|content| peer.file(content));
    let mut changes: Vec<Change> = vec![
        create("d", directory()),
        create("d/e", directory()),
        create("d/e/f", one.clone()),
        create("d/empty", three),
        create("gone", one),
        create("l", link("target")),
        Change::Metadata { path: RelPath::root(), metadata: metadata(5) },
    ];
    changes.extend((0..50).map(|number| create(&format!("n{number}"), directory())));
    peer.deliver(&changes);
    let second = [modify("d/e/f", two), delete("gone")];
    peer.deliver(&second);
    let tree = Tree::new().apply(&changes).and_then(|tree| tree.apply(&second));
    tree.expect("good batches")
}

#[test]
fn a_rebuilt_catalog_equals_the_old_one() {
    let world = DiskWorld::new();
    let (tree, client, old_head) = {
        let store = world.open();
        let mut peer = Peer::new(&store);
        (history(&mut peer), peer.client.clone(), peer.head())
    };
    let rebuilt = rebuild_catalog(&Disk, world.path(), &client, &*present(), &SystemRandom).expect("rebuilt");
    assert_eq!((rebuilt.mirrors, rebuilt.files, rebuilt.bytes, rebuilt.foreign), (1, 2, 3, 2));
    assert!(rebuilt.aside.expect("there was one").exists());
    let store = world.open();
    let mut peer = Peer::stranger(&store);
    let found = peer.tree_at(1);
    assert_eq!(without_owners(&found), without_owners(&as_on_disk(&tree)));
    let reply = peer.contact_at(old_head);
    assert!(!reply.in_chain && reply.head.number == 1 && reply.head != old_head);
    assert_eq!(reply.files, 2);
    assert_eq!(peer.read(1, "d/e/f").expect("is there"), b"two");
    let three = peer.file("three");
    peer.deliver(&[modify("d/e/f", three)]);
    assert_eq!(peer.read(1, "d/e/f").expect("kept beside what was found"), b"two");
    assert_is(&world.root(&peer), &peer.tree_at(2));
}

#[test]
fn a_rebuilt_mirror_knows_its_source_or_takes_the_first_that_comes() {
    for is_lost in [false, true] {
        let world = DiskWorld::new();
        let client = {
            let store = world.open();
            Peer::new(&store).client.clone()
        };
        if is_lost {
            std::fs::remove_file(world.path().join("laptop/.roundsman/catalog.db")).expect("removed");
        }
        rebuild_catalog(&Disk, world.path(), &client, &*present(), &SystemRandom).expect("rebuilt");
        let store = world.open();
        let peer = Peer::stranger(&store);
        assert_eq!(peer.contact_at(Head::genesis()).source.is_none(), is_lost);
        assert_eq!(store.claim(&client, &peer.claim("/elsewhere", None)).is_ok(), is_lost);
        assert!(store.claim(&client, &peer.claim("/source", Some("/elsewhere"))).is_ok());
    }
}

#[test]
fn who_has_nothing_here_has_no_catalog() {
    let world = DiskWorld::new();
    drop(world.open());
    let nobody = protocol::ClientName::parse("nobody").expect("a valid name");
    let refused = rebuild_catalog(&Disk, world.path(), &nobody, &*present(), &SystemRandom);
    assert!(matches!(refused, Err(RebuildError::NoClient(_))));
}

#[test]
fn a_start_reads_no_row_of_any_tree() {
    let world = DiskWorld::new();
    {
        let store = world.open();
        let mut peer = Peer::new(&store);
        let _tree: Tree = history(&mut peer);
    }
    let catalog = world.path().join("laptop/.roundsman/catalog.db");
    let rows = |from: &str, to: &str| {
        let connection = rusqlite::Connection::open(&catalog).expect("opens");
        connection.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).expect("renamed");
    };
    // Without the tables that grow with the tree and its history, the start is the same.
    rows("entry", "entry_away");
    rows("version", "version_away");
    let store = world.open();
    let client = protocol::ClientName::parse("laptop").expect("a valid name");
    assert!(store.known(&client).is_ok_and(|client| client.is_some()));
    drop(store);
    rows("entry_away", "entry");
    rows("version_away", "version");
    assert!(matches!(Peer::stranger(&world.open()).tree_at(2).get(&path("d/e/f")), Some(Entry::File { .. })));
}

#[test]
fn a_catalog_older_than_the_files_overwrites_no_version() {
    let world = DiskWorld::new();
    let catalog = world.path().join("laptop/.roundsman/catalog.db");
    let (one, two, three);
    {
        let store = world.open();
        let mut peer = Peer::new(&store);
        (one, two, three) = (peer.file("one"), peer.file("two"), peer.file("three"));
        peer.deliver(&[create("f", one.clone()), create("d", directory()), create("d/f", one)]);
    }
    let backup = std::fs::read(&catalog).expect("read");
    {
        let store = world.open();
        let mut peer = Peer::stranger(&store);
        peer.knows("two");
        peer.deliver(&[modify("f", two), delete("d")]);
    }
    std::fs::write(&catalog, backup).expect("an older one");
    let store = world.open();
    let mut peer = Peer::stranger(&store);
    peer.knows("three");
    peer.deliver(&[modify("f", three)]);
    peer.deliver(&[delete("f")]);
    peer.deliver(&[create("f", directory())]);
    let versions = world.path().join("laptop/.roundsman/versions");
    let mut contents: Vec<String> = std::fs::read_dir(versions)
        .expect("listed")
        .filter_map(|name| std::fs::read_to_string(name.expect("a name").path()).ok())
        .collect();
    contents.sort();
    assert_eq!(contents, ["one", "three", "two"], "and the directory");
}
