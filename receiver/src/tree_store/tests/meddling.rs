//! Somebody changes the mirror behind the receiver's back. No commit is ever stopped by that, and nothing of
//! theirs is destroyed.

use std::fs;
use std::path::PathBuf;

use protocol::wire::{Check, CheckVerdict, Committed};
use protocol::{Change, Head, ProblemCode};

use super::world::{DiskWorld, assert_is};
use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, link, metadata, modify, moved, path, replace};
use crate::tree_store::TreeStore;

struct Meddled {
    world: DiskWorld,
    store: TreeStore,
    first: Vec<Change>,
}

const CONTENTS: [&str; 4] = ["one", "two", "three", "four"];

impl Meddled {
    fn new() -> Self {
        let world = DiskWorld::new();
        let store = world.open();
        let file = |content: &str| crate::store::conformance::peer::file(content);
        let first = vec![
            create("d", directory()),
            create("d/f", file("one")),
            create("d/l", link("target")),
            create("e", directory()),
            create("g", file("two")),
            create("h", file("three")),
        ];
        Self { world, store, first }
    }

    fn peer(&self) -> Peer<'_> {
        let mut peer = if self
            .store
            .contact(&Peer::stranger(&self.store).client, &self.contact())
            .is_ok_and(|r| r.source.is_some())
        {
            Peer::stranger(&self.store)
        } else {
            Peer::new(&self.store)
        };
        for content in CONTENTS {
            peer.knows(content);
        }
        peer
    }

    fn contact(&self) -> protocol::wire::Contact {
        let peer = Peer::stranger(&self.store);
        protocol::wire::Contact { mirror: peer.mirror, lineage: peer.lineage, head: Head::genesis() }
    }

    fn at(&self, path: &str) -> PathBuf {
        let peer = Peer::stranger(&self.store);
        self.world.path().join(peer.client.as_str()).join(peer.mirror.as_str()).join(path)
    }

    /// Delivers a batch after meddling; literals are sent again if asked for.
    fn deliver(&self, batch: &[Change]) {
        let peer = self.peer();
        let base = peer.head();
        let plans = peer.plans(batch);
        let missing = peer.open(batch, plans.clone());
        peer.fill_missing(base, batch, &plans, &missing);
        match peer.commit_on(base, batch).expect("never wedged") {
            Committed::Incomplete { missing, .. } => {
                peer.fill_missing(base, batch, &plans, &missing);
                let again = peer.commit_on(base, batch);
                assert!(matches!(again, Ok(Committed::Durable { .. })), "{again:?}");
            }
            other => assert!(matches!(other, Committed::Durable { .. }), "{other:?}"),
        }
    }

    fn findings(&self, read_contents: bool) -> Vec<(String, CheckVerdict)> {
        let peer = self.peer();
        let request = Check { mirror: peer.mirror.clone(), after: None, read_contents, budget: None, mend: false };
        let page = self.store.check(&peer.client, &request).expect("is checked");
        assert_eq!(page.next, None);
        page.findings.into_iter().map(|finding| (finding.path.to_string(), finding.what)).collect()
    }

    /// What lies among the versions, as text.
    fn kept(&self) -> Vec<String> {
        let versions = self.world.path().join("laptop/.roundsman/versions");
        let mut kept: Vec<String> = fs::read_dir(versions)
            .expect("our own directory")
            .filter_map(|entry| fs::read_to_string(entry.expect("listed").path()).ok())
            .collect();
        kept.sort();
        kept
    }
}

/// Meddles with a delivered mirror, then delivers a batch, and compares the whole with what it should be.
fn try_meddling(meddle: impl FnOnce(&Meddled), batch: &[Change]) -> Meddled {
    let meddled = Meddled::new();
    meddled.peer().deliver(&meddled.first.clone());
    meddle(&meddled);
    meddled.deliver(batch);
    let old = protocol::Tree::new().apply(&meddled.first).expect("a good batch");
    assert_is(&meddled.world.root(&meddled.peer()), &old.apply(batch).expect("a good batch"));
    meddled
}

fn file(content: &str) -> protocol::Entry {
    crate::store::conformance::peer::file(content)
}

#[test]
fn a_file_that_vanished_may_be_modified_deleted_moved_and_replaced() {
    let vanish = |meddled: &Meddled| fs::remove_file(meddled.at("g")).expect("is there");
    for batch in [
        vec![modify("g", file("four"))],
        vec![delete("g")],
        vec![moved("g", "d/g", file("two"))],
        vec![moved("g", "h", file("four"))],
        vec![replace("g", directory())],
    ] {
        try_meddling(vanish, &batch);
    }
}

#[test]
fn a_file_that_was_changed_is_made_anew_where_it_moves_and_the_foreign_bytes_are_kept() {
    let change = |meddled: &Meddled| fs::write(meddled.at("g"), "foreign").expect("can be written");
    for batch in [vec![moved("g", "d/g", file("two"))], vec![modify("g", file("four"))], vec![delete("g")]] {
        let meddled = try_meddling(change, &batch);
        assert_eq!(meddled.kept(), ["foreign"]);
        match meddled.peer().read(1, "g") {
            Ok(bytes) => assert_eq!(bytes, b"two", "they came again with the move"),
            Err(problem) => assert_eq!(problem.code, ProblemCode::NotFound, "the old bytes are nowhere"),
        }
    }
}

#[test]
fn a_directory_that_vanished_is_made_anew_with_what_arrives() {
    let vanish = |meddled: &Meddled| fs::remove_dir_all(meddled.at("e")).expect("is there");
    try_meddling(vanish, &[create("e/f", file("four"))]);
    try_meddling(vanish, &[moved("e", "d/e", directory()), moved("g", "d/e/g", file("two"))]);
    try_meddling(vanish, &[delete("e")]);
    let whole_mirror = |meddled: &Meddled| fs::remove_dir_all(meddled.at("")).expect("is there");
    let meddled = Meddled::new();
    meddled.peer().deliver(&meddled.first.clone());
    whole_mirror(&meddled);
    meddled.deliver(&[create("d/new", file("four"))]);
    assert_eq!(fs::read(meddled.at("d/new")).expect("is there"), b"four");
}

#[test]
fn what_is_in_the_way_goes_to_the_versions() {
    let put = |meddled: &Meddled| fs::write(meddled.at("new"), "foreign").expect("can be written");
    let meddled = try_meddling(put, &[create("new", file("four"))]);
    assert_eq!(meddled.kept(), ["foreign"]);
    let put = |meddled: &Meddled| fs::create_dir_all(meddled.at("new/inner")).expect("can be made");
    try_meddling(put, &[moved("g", "new", file("two"))]);
    let swap = |meddled: &Meddled| {
        fs::remove_file(meddled.at("g")).expect("is there");
        fs::create_dir(meddled.at("g")).expect("can be made");
    };
    try_meddling(swap, &[modify("g", file("four"))]);
    let swap = |meddled: &Meddled| {
        fs::remove_dir(meddled.at("e")).expect("is there");
        std::os::unix::fs::symlink("/", meddled.at("e")).expect("can be made");
    };
    try_meddling(swap, &[create("e/f", file("four"))]);
}

#[test]
fn a_foreign_file_in_a_deleted_directory_goes_along() {
    let put = |meddled: &Meddled| fs::write(meddled.at("d/foreign"), "foreign").expect("can be written");
    try_meddling(put, &[delete("d")]);
}

#[test]
fn a_touched_file_is_still_ours() {
    let touch = |meddled: &Meddled| {
        let file = fs::File::options().write(true).open(meddled.at("g")).expect("is there");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("can be touched");
    };
    let meddled = try_meddling(touch, &[modify("g", file("four"))]);
    assert_eq!(meddled.peer().read(1, "g").expect("kept"), b"two");
}

#[test]
fn every_kind_of_difference_is_found() {
    let meddled = Meddled::new();
    meddled.peer().deliver(&meddled.first.clone());
    assert_eq!(meddled.findings(true), []);
    fs::remove_file(meddled.at("d/f")).expect("is there");
    fs::write(meddled.at("extra"), "x").expect("can be written");
    fs::remove_file(meddled.at("d/l")).expect("is there");
    std::os::unix::fs::symlink("other", meddled.at("d/l")).expect("can be made");
    let flipped = fs::metadata(meddled.at("g")).expect("is there").modified().expect("has a time");
    fs::write(meddled.at("g"), "owt").expect("can be written");
    let file = fs::File::options().write(true).open(meddled.at("g")).expect("is there");
    file.set_modified(flipped).expect("can be set back");
    fs::set_permissions(meddled.at("h"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).expect("can be set");
    use CheckVerdict::{Damaged, Extra, Metadata, Missing};
    let quick =
        [(".", Metadata), ("d", Metadata), ("d/f", Missing), ("d/l", Damaged), ("extra", Extra), ("h", Metadata)];
    assert_eq!(meddled.findings(false), quick.map(|(path, what)| (path.to_owned(), what)));
    let found = meddled.findings(true);
    assert!(found.contains(&("g".to_owned(), Damaged)), "{found:?}");
    let wanted = meddled.store.contact(&meddled.peer().client, &meddled.contact()).expect("answers").wanted;
    assert!(wanted.contains(&protocol::ContentId::of(b"two")) && wanted.contains(&protocol::ContentId::of(b"one")));
}

#[test]
fn a_wanted_content_is_healed_by_sending_the_file_again() {
    let meddled = Meddled::new();
    meddled.peer().deliver(&meddled.first.clone());
    fs::write(meddled.at("g"), "owt").expect("can be written");
    assert_eq!(meddled.findings(true).last().expect("is found").0, "g");
    meddled.deliver(&[modify("g", file("two")), Change::Metadata { path: path("h"), metadata: metadata(4) }]);
    assert_eq!(meddled.findings(true), []);
    let wanted = meddled.store.contact(&meddled.peer().client, &meddled.contact()).expect("answers").wanted;
    assert_eq!(wanted, []);
}

#[test]
fn a_damaged_source_of_a_copy_is_asked_for_again() {
    let meddled = Meddled::new();
    meddled.peer().deliver(&meddled.first.clone());
    let before = fs::metadata(meddled.at("g")).expect("is there").modified().expect("has a time");
    fs::write(meddled.at("g"), "owt").expect("can be written");
    let file_on_disk = fs::File::options().write(true).open(meddled.at("g")).expect("is there");
    file_on_disk.set_modified(before).expect("can be set back");
    meddled.deliver(&[create("copy", file("two"))]);
    assert_eq!(fs::read(meddled.at("copy")).expect("is there"), b"two");
}

#[test]
fn a_check_goes_on_where_its_last_page_ended() {
    let meddled = Meddled::new();
    let mut batch = meddled.first.clone();
    batch.extend((0..10_100).map(|n| create(&format!("e/{n:05}"), file("one"))));
    meddled.peer().deliver(&batch);
    for gone in ["e/00000", "e/09999", "e/10099", "h"] {
        fs::remove_file(meddled.at(gone)).expect("is there");
    }
    fs::write(meddled.at("e/zzz"), "extra").expect("can be written");
    let peer = meddled.peer();
    let mut found = Vec::new();
    let (mut after, mut pages) = (None, 0);
    loop {
        let request = Check { mirror: peer.mirror.clone(), after, read_contents: false, budget: None, mend: false };
        let page = meddled.store.check(&peer.client, &request).expect("is checked");
        found.extend(page.findings.into_iter().filter(|finding| finding.what != CheckVerdict::Metadata));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, 2);
    let found: Vec<String> = found.into_iter().map(|finding| finding.path.to_string()).collect();
    assert_eq!(found, ["e/00000", "e/09999", "e/10099", "e/zzz", "h"]);
}
