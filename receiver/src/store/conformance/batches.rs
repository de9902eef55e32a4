//! Batches: sets of changes, names, pages.

use protocol::wire::{Check, Proposed};
use protocol::{Change, Head, Name, RefusalReason, RelPath, Tree};

use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, delete, directory, link, metadata, modify, moved, path, replace};

/// Delivers a batch and compares with what the model makes of it.
pub(crate) fn deliver_checked(peer: &Peer<'_>, tree: &Tree, changes: &[Change]) -> Tree {
    let expected = tree.apply(changes).expect("a good batch in this test");
    let head = peer.deliver(changes);
    assert_eq!(peer.tree_at(head.number), expected);
    expected
}

pub(crate) fn swaps_cycles_and_kind_changes_are_one_batch(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let (one, two, three) = (peer.file("1"), peer.file("2"), peer.file("3"));
    let dir = directory();
    let tree = deliver_checked(
        &peer,
        &Tree::new(),
        &[
            create("a", one.clone()),
            create("b", two.clone()),
            create("c", three.clone()),
            create("x", dir.clone()),
            create("x/y", dir.clone()),
            create("x/y/f", one.clone()),
            create("x/z", link("target")),
            create("p", dir.clone()),
            create("q", dir.clone()),
            create("q/f", two.clone()),
        ],
    );
    let cycle = [moved("a", "b", one.clone()), moved("b", "c", two.clone()), moved("c", "a", three.clone())];
    let tree = deliver_checked(&peer, &tree, &cycle);
    let own_child = [moved("x/y", "y", dir.clone()), moved("x", "y/x", dir.clone())];
    let tree = deliver_checked(&peer, &tree, &own_child);
    let swap = [moved("p", "q", dir.clone()), moved("q", "p", dir.clone()), moved("y/f", "q/f", one.clone())];
    let tree = deliver_checked(&peer, &tree, &swap);
    let kinds = [replace("a", dir.clone()), create("a/new", one), replace("q", two), replace("b", link("elsewhere"))];
    let tree = deliver_checked(&peer, &tree, &kinds);
    let root = Change::Metadata { path: RelPath::root(), metadata: metadata(5) };
    let parent_by_child = [delete("p"), moved("p/f", "p", peer.file("2")), modify("b", link("again")), root];
    deliver_checked(&peer, &tree, &parent_by_child);
}

pub(crate) fn a_refused_change_is_named_and_nothing_happens(store: &dyn Store) {
    let peer = Peer::new(store);
    let tree = deliver_checked(&peer, &Tree::new(), &[create("d", directory()), create("l", link("t"))]);
    let bad = [
        (delete("nothing"), RefusalReason::Missing),
        (create("l", directory()), RefusalReason::Occupied),
        (create("l/x", directory()), RefusalReason::NoParent),
        (modify("d", link("t")), RefusalReason::WrongKind),
        (moved("d", "d/d", directory()), RefusalReason::NoParent),
        (create("d/x", link("t")), RefusalReason::Contradiction),
    ];
    for (change, reason) in bad {
        let batch = [create("ok", directory()), change, create("d/x", link("t"))];
        let Ok(Proposed::Refused { refused }) = peer.propose_on(peer.head(), &batch) else { panic!("{reason:?}") };
        assert!(refused.iter().any(|refused| refused.reason == reason), "{refused:?}");
        let model = tree.apply(&batch).expect_err("the model refuses it, too");
        assert_eq!(refused, model);
    }
    assert_eq!(peer.head().number, 1);
}

pub(crate) fn names_are_bytes(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let long = vec![b'n'; 255];
    let names: [&[u8]; 7] = [b" ", b"-rf", b"a\nb", b"\xff\xfe", b"c:\\d", "\u{202e}ü".as_bytes(), &long];
    let entry = peer.file("x");
    let change = |name: &[u8]| {
        let name = Name::parse(name).expect("a valid name");
        Change::Create { path: RelPath::root().join(&name).expect("short"), entry: entry.clone() }
    };
    deliver_checked(&peer, &Tree::new(), &names.map(change));
}

pub(crate) fn pages_cover_a_tree_that_does_not_fit_into_one(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let entry = peer.file("same");
    let mut changes = vec![create("d", directory())];
    changes.extend((0..10_500).map(|n| create(&format!("d/{n}"), entry.clone())));
    let tree = deliver_checked(&peer, &Tree::new(), &changes);
    let since = peer.changes_between(Head::genesis(), 1);
    assert_eq!(Tree::new().apply(&since), Ok(tree));
}

pub(crate) fn a_fresh_mirror_passes_its_check(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let entry = peer.file("x");
    peer.deliver(&[create("d", directory()), create("d/f", entry), create("d/l", link("t"))]);
    for read_contents in [false, true] {
        let request = Check { mirror: peer.mirror.clone(), after: None, read_contents, budget: None, mend: false };
        let page = store.check(&peer.client, &request).expect("is checked");
        assert_eq!((page.findings, page.next), (vec![], None));
    }
    assert!(peer.read(1, "d/f").is_ok() && path("d/f").is_below(&path("d")));
}
