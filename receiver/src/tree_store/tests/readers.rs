//! Whoever reads a mirror while it changes sees the tree of one revision, whole: never some of the old and some of the new.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use protocol::wire::{EntriesAt, ListAt, Versions};
use protocol::{Change, Entry, Head, RelPath};
use seams::memory::FaultHook;

use super::world::{DiskWorld, MemoryWorld};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, link, modify, path};
use crate::tree_store::TreeStore;

/// So many links that are as long fill two pages.
const LINKS: u64 = 2_300;
const LONG: usize = 4_000;

/// Where every link of a generation points to. A generation is the number of its revision.
fn target(generation: u64, length: usize) -> Entry {
    link(&format!("{generation:04}{}", "x".repeat(length)))
}

fn links(count: u64) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("l{number:04}"))
}

/// The batch that leads to a generation: every link is another.
fn generation(number: u64, count: u64, length: usize) -> Vec<Change> {
    let make = |name: String| match number {
        1 => create(&name, target(1, length)),
        _ => modify(&name, target(number, length)),
    };
    links(count).map(make).collect()
}

fn generation_of(entry: &Entry) -> u64 {
    let Entry::Symlink { target, .. } = entry else { panic!("there are links only: {entry:?}") };
    std::str::from_utf8(&target.as_bytes()[..4]).ok().and_then(|digits| digits.parse().ok()).expect("a generation")
}

/// One page of a listing; every link in it must be of the revision that it says it is of.
fn whole_page(peer: &Peer<'_>, revision: Option<u64>, after: Option<RelPath>) -> (u64, Vec<RelPath>, bool) {
    let request = ListAt { mirror: peer.mirror.clone(), revision, after };
    let page = peer.store.list_at(&peer.client, &request).expect("is listed");
    let links = page.entries.into_iter().filter(|listed| !listed.path.is_root());
    let paths = links.map(|listed| {
        assert_eq!(generation_of(&listed.entry), page.revision.number, "{} is of another revision", listed.path);
        listed.path
    });
    (page.revision.number, paths.collect(), page.more)
}

#[test]
fn all_pages_of_a_listing_are_of_one_revision_whatever_is_committed_between_them() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let peer = Peer::new(&store);
    peer.deliver(&generation(1, LINKS, LONG));
    let (revision, mut all, mut more) = whole_page(&peer, None, None);
    let mut pages = 1;
    while more {
        pages += 1;
        peer.deliver(&generation(pages, LINKS, LONG));
        let (same, page, rest) = whole_page(&peer, Some(revision), all.last().cloned());
        assert_eq!(same, revision);
        all.extend(page);
        more = rest;
    }
    assert!(pages > 1, "{pages}");
    assert!(all.iter().eq(&links(LINKS).map(|name| path(&name)).collect::<Vec<_>>()));
}

/// What every question to the catalog answers is of one revision; which.
fn seen(store: &TreeStore, links_there: u64) -> u64 {
    let peer = Peer::stranger(store);
    let (revision, paths, _) = whole_page(&peer, None, None);
    assert_eq!(paths.len() as u64, links_there);
    let paths: Vec<RelPath> = links(links_there).map(|name| path(&name)).collect();
    let request = EntriesAt { mirror: peer.mirror.clone(), revision: None, paths };
    let found = store.entries_at(&peer.client, &request).expect("is found");
    let generations = found.entries.iter().map(|entry| generation_of(entry.as_ref().expect("is there")));
    assert!(generations.into_iter().all(|generation| generation == found.revision.number));
    let request = Versions { mirror: peer.mirror.clone(), path: path("l0000"), until: None, along: None };
    let versions = store.versions(&peer.client, &request).expect("are told").versions;
    let newest = versions.first().expect("there is one");
    assert_eq!((generation_of(&newest.listed.entry), newest.until), (newest.from, None));
    assert_eq!(versions.len() as u64, newest.from, "each generation once");
    assert!(newest.from >= found.revision.number && found.revision.number >= revision, "nothing goes back");
    newest.from
}

#[test]
fn at_every_operation_of_a_commit_a_reader_sees_the_old_tree_or_the_new() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = Arc::new(world.open());
    let peer = Peer::new(&*store);
    peer.deliver(&generation(1, 20, 10));
    let saw = Arc::new(Mutex::new(Vec::new()));
    let (reader, note) = (Arc::clone(&store), Arc::clone(&saw));
    let hook: FaultHook = Arc::new(move |_| {
        note.lock().expect("not poisoned").push(seen(&reader, 20));
        None
    });
    world.fs.set_fault_hook(Some(hook));
    peer.deliver(&generation(2, 20, 10));
    world.fs.set_fault_hook(None);
    let saw = saw.lock().expect("not poisoned");
    assert!(saw.is_sorted() && saw.first() == Some(&1) && saw.last() == Some(&2), "{saw:?}");
}

#[test]
fn readers_beside_a_writer_see_whole_revisions_only() {
    let world = DiskWorld::new();
    let store = world.open();
    let peer = Peer::new(&store);
    peer.deliver(&generation(1, 50, 10));
    let (is_over, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let now = seen(&store, 50);
                    assert!(now >= last);
                    (last, _) = (now, reads.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
        for number in 2..=40 {
            peer.deliver(&generation(number, 50, 10));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert!(reads.load(Ordering::Relaxed) > 0);
}

/// What a commit writes into the catalog: each of these fails once, after it was written.
const WRITES: [&str; 8] = [
    "INSERT ON entry",
    "INSERT ON entry WHEN NEW.name = X'6c39'",
    "UPDATE ON entry",
    "UPDATE ON entry WHEN OLD.name = X'6c38'",
    "INSERT ON revision",
    "INSERT ON version",
    "INSERT ON step",
    "UPDATE ON sequence",
];

#[test]
fn a_catalog_that_fails_at_any_write_of_a_commit_has_the_old_tree_whole() {
    for write in WRITES {
        let world = MemoryWorld::new(&["laptop"]);
        let store = world.open();
        let mut peer = Peer::new(&store);
        let (one, two) = (peer.file("one"), peer.file("two"));
        peer.deliver(&[create("gone", one.clone()), create("l8", one.clone()), create("l9", one)]);
        let old = peer.tree_at(1);
        let batch = [delete("gone"), modify("l8", two.clone()), modify("l9", two)];
        let client = store.known(&peer.client).expect("can be opened").expect("is there");
        let fail = format!("CREATE TEMP TRIGGER fails AFTER {write} BEGIN SELECT RAISE(FAIL, 'a test''s own'); END");
        client.catalog().run(&fail);
        assert_eq!(super::crashes::try_deliver(&peer, peer.head(), &batch), None, "{write}");
        client.catalog().run("DROP TRIGGER fails");
        let request = ListAt { mirror: peer.mirror.clone(), revision: None, after: None };
        assert_eq!(store.list_at(&peer.client, &request).expect("is listed").revision.number, 1, "{write}");
        assert_eq!(peer.tree_at(1), old, "{write}");
        assert_eq!(peer.head(), Head { number: 1, ..peer.head() });
        peer.deliver(&batch);
        assert_eq!(peer.tree_at(2), old.apply(&batch).expect("a good batch"), "{write}");
        assert_eq!(peer.tree_at(1), old, "{write}");
    }
}
