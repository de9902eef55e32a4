//! Random histories, random spans: every revision that is kept is there bit by bit, and nothing that only others need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{ProptestConfig, Strategy, any, proptest};
use protocol::{Change, ContentId, Entry, RelPath, Timestamp, Tree};
use seams::clock::Clock;
use seams::fs::{Directory, FileKind, Fs};

use super::retention::{is_listed, keep_up, keeping};
use super::world::{MemoryWorld, assert_is};
use crate::retention::Retention;
use crate::store::conformance::peer::{Peer, directory, metadata, path};
use crate::tree_store::TreeStore;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The contents of all files among the versions, sorted.
pub(super) fn files_in_versions(world: &MemoryWorld, peer: &Peer<'_>) -> Vec<Vec<u8>> {
    let at = world.path().join(peer.client.as_str()).join(".roundsman/versions");
    let mut found = Vec::new();
    read_below(&world.fs.open_root(&at).expect("our own directory"), &mut found);
    found.sort();
    found
}

fn read_below(directory: &Arc<dyn Directory>, found: &mut Vec<Vec<u8>>) {
    for name in directory.list().expect("can be listed") {
        if directory.stat(&name).expect("is there").kind == FileKind::File {
            let file = directory.open_file(&name).expect("can be opened");
            let mut bytes = vec![0; 100_000];
            let length = file.read_at(&mut bytes, 0).expect("can be read");
            bytes.truncate(length);
            found.push(bytes);
        } else if directory.stat(&name).expect("is there").kind == FileKind::Directory {
            read_below(&directory.open_directory(&name).expect("can be opened"), found);
        }
    }
}

/// One thing that a person does, in terms of what is there.
#[derive(Debug, Clone)]
struct Deed {
    what: u8,
    which: usize,
    to: usize,
    content: u8,
}

fn deeds() -> impl Strategy<Value = Vec<(Vec<Deed>, u32)>> {
    let deed = (any::<u8>(), any::<usize>(), any::<usize>(), 0..60u8);
    let deed = deed.prop_map(|(what, which, to, content)| Deed { what, which, to, content });
    let round = (proptest::collection::vec(deed, 1..6), 0..60u32);
    proptest::collection::vec(round, 5..30)
}

fn pick(tree: &Tree, which: usize, fits: impl Fn(&Entry) -> bool) -> Option<&RelPath> {
    let fitting: Vec<_> = tree.iter().filter(|(_, entry)| fits(entry)).map(|(path, _)| path).collect();
    (!fitting.is_empty()).then(|| fitting[which % fitting.len()])
}

fn is_directory(entry: &Entry) -> bool {
    matches!(entry, Entry::Directory { .. })
}

/// A place in a directory that is there, or in the root.
fn place(tree: &Tree, deed: &Deed) -> RelPath {
    let above = (!deed.to.is_multiple_of(4)).then(|| pick(tree, deed.to, is_directory)).flatten();
    let name = path(&format!("n{}", deed.content % 12)).name().expect("one name");
    above.cloned().unwrap_or_else(RelPath::root).join(&name).expect("short")
}

fn change(tree: &Tree, deed: &Deed, peer: &mut Peer<'_>) -> Option<Change> {
    let entry = peer.file([deed.content % 30; 7]);
    match deed.what % 10 {
        0..=2 => Some(Change::Create { path: place(tree, deed), entry }),
        3 => Some(Change::Create { path: place(tree, deed), entry: directory() }),
        4 | 5 => {
            let path = pick(tree, deed.which, |entry| matches!(entry, Entry::File { .. }))?.clone();
            Some(Change::Modify { path, entry })
        }
        6 => Some(Change::Delete { path: pick(tree, deed.which, |_| true)?.clone() }),
        7 => {
            let path = pick(tree, deed.which, |_| true)?.clone();
            Some(Change::Metadata { path, metadata: metadata(u16::from(deed.content)) })
        }
        _ => {
            let from = pick(tree, deed.which, |_| true)?.clone();
            let entry = tree.get(&from)?.clone();
            Some(Change::Move { from, to: place(tree, deed), entry })
        }
    }
}

/// The changes of a round that can be made one after the other, as one batch where that is possible.
fn batch(tree: &Tree, deeds: &[Deed], peer: &mut Peer<'_>) -> Vec<Change> {
    let mut batch: Vec<Change> = Vec::new();
    for deed in deeds {
        let Some(change) = change(tree, deed, peer) else { continue };
        batch.push(change);
        if tree.apply(&batch).is_err() {
            batch.pop();
        }
    }
    batch
}

/// What the store should have by now.
struct Model {
    trees: Vec<Tree>,
    committed: Vec<(u64, Timestamp)>,
}

fn check(world: &MemoryWorld, store: &TreeStore, peer: &Peer<'_>, model: &Model, kept: &BTreeSet<u64>) {
    let mut needed: BTreeSet<ContentId> = BTreeSet::new();
    for (revision, tree) in (0u64..).zip(&model.trees) {
        let is_kept = kept.contains(&revision) || revision == 0;
        assert_eq!(is_listed(peer, revision), is_kept, "revision {revision}");
        if !is_kept {
            continue;
        }
        assert_eq!(&peer.tree_at(revision), tree, "revision {revision}");
        for (path, entry) in tree.iter() {
            let Some((content, _)) = entry.content() else { continue };
            let read = peer.read_path(revision, path).expect("a kept revision is there");
            assert_eq!(ContentId::of(&read), content, "{path} at {revision}");
            needed.insert(content);
        }
    }
    let on_disk = files_in_versions(world, peer);
    for bytes in &on_disk {
        assert!(needed.contains(&ContentId::of(bytes)), "{bytes:?} is of no use to anybody");
    }
    let client = store.known(&peer.client).expect("opens").expect("is there");
    let catalog = client.catalog();
    assert_eq!(catalog.history_bytes().expect("one row"), on_disk.concat().len() as u64);
    let useless = "entry WHERE to_rev IS NOT NULL AND NOT EXISTS (SELECT 1 FROM revision \
                   WHERE thinned = 0 AND number >= from_rev AND number < to_rev)";
    assert_eq!(catalog.count(useless), 0, "rows of no kept revision");
    assert_eq!(catalog.count("discarded"), 0);
    assert_eq!(catalog.count("revision WHERE thinned = 1"), 0);
}

fn lives(rounds: &[(Vec<Deed>, u32)], keep_days: u32) {
    let world = MemoryWorld::new(&["laptop"]);
    let retention = Retention { keep: Some(DAY * keep_days), keep_size: None };
    let store = keeping(&world, retention.keep, None);
    let mut peer = Peer::new(&store);
    let mut model = Model { trees: vec![Tree::new()], committed: vec![(0, world.clock.now())] };
    model.trees[0] = peer.tree_at(0);
    for (deeds, hours) in rounds {
        let tree = model.trees.last().expect("not empty").clone();
        let changes = batch(&tree, deeds, &mut peer);
        if changes.is_empty() {
            continue;
        }
        let head = peer.deliver(&changes);
        model.trees.push(tree.apply(&changes).expect("was tried"));
        model.committed.push((head.number, world.clock.now()));
        world.clock.advance(Duration::from_secs(u64::from(*hours) * 60 * 60));
        keep_up(&store);
        world.clock.advance(Duration::from_secs(60));
    }
    // Each look that lets something go is the last of two that are a day apart.
    for _ in 0..6 {
        keep_up(&store);
        let due_now = retention.kept(&model.committed, world.clock.now());
        world.clock.advance(DAY);
        keep_up(&store);
        let listed: BTreeSet<u64> = (0..model.trees.len() as u64).filter(|n| is_listed(&peer, *n)).collect();
        assert!(listed.is_subset(&due_now.iter().copied().chain([0]).collect()));
        let still = retention.kept(&model.committed, world.clock.now());
        assert!(still.iter().all(|revision| listed.contains(revision)), "{still:?} in {listed:?}");
        check(&world, &store, &peer, &model, &listed);
        assert_is(&world.root(&peer), model.trees.last().expect("not empty"));
        world.clock.advance(DAY * 6);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(150), ..ProptestConfig::default() })]

    #[test]
    fn after_retention_what_is_kept_is_whole_and_nothing_else_is_left(
        rounds in deeds(), keep_days in proptest::sample::select(vec![0u32, 1, 3, 20, 400]),
    ) {
        lives(&rounds, keep_days);
    }
}
