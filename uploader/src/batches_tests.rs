use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use protocol::{Entry, Metadata, Timestamp, Tree};
use seams::random::{Random, SeededRandom};

use super::*;
use crate::test_support::{create, delete, directory, file, moved, path, tree};

fn sizes(changes: usize, max_changes: usize) -> Sizes {
    Sizes { changes, max_changes, ..Sizes::default() }
}

/// Applies batches one after another, each a set on what the earlier ones made.
fn apply_all(base: &Tree, batches: &[Vec<Change>]) -> Tree {
    batches.iter().fold(base.clone(), |tree, batch| match tree.apply(batch) {
        Ok(next) => next,
        Err(refused) => panic!("{refused:?}\n of {batch:#?}\n on {tree:#?}\n in {batches:#?}"),
    })
}

#[test]
fn an_empty_plan_has_no_batches() {
    assert_eq!(batches(Vec::new(), &Sizes::default()), Ok(Vec::new()));
}

#[test]
fn parents_come_before_children_and_deletes_last() {
    let plan = vec![
        delete("a"),
        create("b/c", file("2")),
        create("b", directory()),
        Change::Metadata { path: RelPath::root(), metadata: Metadata::default() },
    ];
    let cut = batches(plan, &sizes(1, 9)).expect("no moves");
    let order: Vec<_> = cut.iter().map(|batch| (batch[0].kind(), batch[0].path().to_string())).collect();
    let expected = [
        ("b", ChangeKind::Create),
        ("b/c", ChangeKind::Create),
        (".", ChangeKind::Metadata),
        ("a", ChangeKind::Delete),
    ];
    assert_eq!(order, expected.map(|(path, kind)| (kind, path.to_owned())));
}

#[test]
fn what_moves_into_a_new_directory_waits_for_it_and_a_swap_stays_together() {
    let plan = vec![
        create("new", directory()),
        moved("x", "new/x", file("x")),
        moved("a", "b", file("a")),
        moved("b", "a", file("b")),
    ];
    let cut = batches(plan, &sizes(1, 9)).expect("only files move");
    assert_eq!(cut.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1, 1]);
    assert_eq!(apply_all(&tree(&["a=a", "b=b", "x=x"]), &cut), tree(&["a=b", "b=a", "new/", "new/x=x"]));
}

#[test]
fn a_delete_below_a_directory_moved_earlier_is_named_by_its_new_place() {
    let plan = vec![delete("a/b/gone"), moved("a", "z", directory()), moved("a/b", "y", directory())];
    let cut = batches(plan, &sizes(1, 9)).expect("no circle");
    assert_eq!(cut.last(), Some(&vec![delete("y/gone")]));
    assert_eq!(apply_all(&tree(&["a/", "a/b/", "a/b/gone=1"]), &cut), tree(&["y/", "z/"]));
}

#[test]
fn a_circle_of_files_larger_than_a_batch_becomes_creates_and_deletes() {
    let plan = vec![moved("a", "b", file("a")), moved("b", "c", file("b")), moved("c", "a", file("c"))];
    let base = tree(&["a=a", "b=b", "c=c"]);
    for max in 1..=3 {
        let cut = batches(plan.clone(), &sizes(1, max)).expect("only files move");
        assert!(cut.iter().all(|batch| batch.len() <= max));
        assert_eq!(apply_all(&base, &cut), tree(&["a=c", "b=a", "c=b"]));
    }
}

#[test]
fn a_circle_of_directories_larger_than_a_batch_is_the_planners_business() {
    let plan = vec![moved("a", "b", directory()), moved("b", "a", directory())];
    assert_eq!(batches(plan, &sizes(1, 1)), Err(Entangled { changes: 2 }));
}

#[test]
fn contents_and_encoded_changes_fill_a_batch_too() {
    let plan: Vec<Change> = (0..10).map(|n| create(&format!("f{n}"), file("0123456789"))).collect();
    let by_content = Sizes { content_bytes: 30, ..Sizes::default() };
    assert_eq!(batches(plan.clone(), &by_content).expect("no moves").len(), 4);
    let one = canonical_batch(&plan[..1]).len();
    let by_request = Sizes { request_bytes: one * 5, ..Sizes::default() };
    assert_eq!(batches(plan.clone(), &by_request).expect("no moves").len(), 2);
    let large_file = Sizes { content_bytes: 1, ..Sizes::default() };
    assert_eq!(batches(plan, &large_file).expect("no moves").len(), 10);
}

#[test]
fn a_long_chain_of_renames_is_cut_in_order() {
    let name = |n: usize| format!("f{n:05}");
    let plan: Vec<Change> = (0..30_000).map(|n| moved(&name(n), &name(n + 1), file("x"))).collect();
    let cut = batches(plan, &Sizes::default()).expect("only files move");
    assert_eq!(cut.len(), 3);
    assert_eq!(cut[0][0].path(), &path(&name(30_000)));
}

/// A small tree whose things keep their numbers while a history of edits goes over it.
#[derive(Clone)]
struct World {
    nodes: BTreeMap<u64, Node>,
    next: u64,
}

#[derive(Clone)]
struct Node {
    /// 0 is the root.
    parent: u64,
    name: char,
    entry: Entry,
}

const NAMES: &[char] = &['a', 'b', 'c', 'd'];

impl World {
    fn new() -> Self {
        Self { nodes: BTreeMap::new(), next: 1 }
    }

    fn path(&self, id: u64) -> RelPath {
        let node = &self.nodes[&id];
        let text =
            if node.parent == 0 { node.name.to_string() } else { format!("{}/{}", self.path(node.parent), node.name) };
        path(&text)
    }

    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        for (id, node) in &self.nodes {
            tree.insert(self.path(*id), node.entry.clone());
        }
        tree
    }

    fn taken(&self, parent: u64, name: char) -> bool {
        self.nodes.values().any(|node| node.parent == parent && node.name == name)
    }

    fn lies_in(&self, mut id: u64, above: u64) -> bool {
        while id != 0 {
            if id == above {
                return true;
            }
            id = self.nodes[&id].parent;
        }
        false
    }

    fn pick<T: Copy>(random: &SeededRandom, from: &[T]) -> T {
        from[usize::try_from(random.below(from.len() as u64)).expect("a small number")]
    }

    fn any(&self, random: &SeededRandom) -> Option<u64> {
        let ids: Vec<u64> = self.nodes.keys().copied().collect();
        (!ids.is_empty()).then(|| Self::pick(random, &ids))
    }

    fn any_directory(&self, random: &SeededRandom) -> u64 {
        let is_directory = |(id, node): (&u64, &Node)| (node.entry.kind() == Kind::Directory).then_some(*id);
        let ids: Vec<u64> = std::iter::once(0).chain(self.nodes.iter().filter_map(is_directory)).collect();
        Self::pick(random, &ids)
    }

    fn entry(random: &SeededRandom) -> Entry {
        if random.below(2) == 0 { directory() } else { file(&random.below(3).to_string()) }
    }

    fn create(&mut self, random: &SeededRandom) {
        let (parent, name) = (self.any_directory(random), Self::pick(random, NAMES));
        if !self.taken(parent, name) {
            self.nodes.insert(self.next, Node { parent, name, entry: Self::entry(random) });
            self.next += 1;
        }
    }

    fn delete(&mut self, random: &SeededRandom) {
        if let Some(id) = self.any(random) {
            let gone: Vec<u64> = self.nodes.keys().copied().filter(|other| self.lies_in(*other, id)).collect();
            gone.iter().for_each(|id| drop(self.nodes.remove(id)));
        }
    }

    fn relocate(&mut self, random: &SeededRandom) {
        let (Some(id), parent, name) = (self.any(random), self.any_directory(random), Self::pick(random, NAMES)) else {
            return;
        };
        if !self.lies_in(parent, id) && !self.taken(parent, name) {
            let node = self.nodes.get_mut(&id).expect("was picked from the nodes");
            (node.parent, node.name) = (parent, name);
        }
    }

    fn swap(&mut self, random: &SeededRandom) {
        let (Some(one), Some(other)) = (self.any(random), self.any(random)) else { return };
        if !self.lies_in(one, other) && !self.lies_in(other, one) {
            let place = |node: &Node| (node.parent, node.name);
            let (here, there) = (place(&self.nodes[&one]), place(&self.nodes[&other]));
            for (id, (parent, name)) in [(one, there), (other, here)] {
                let node = self.nodes.get_mut(&id).expect("was picked from the nodes");
                (node.parent, node.name) = (parent, name);
            }
        }
    }

    fn edit(&mut self, random: &SeededRandom) {
        let Some(id) = self.any(random) else { return };
        let node = self.nodes.get_mut(&id).expect("was picked from the nodes");
        match random.below(2) {
            0 if node.entry.kind() == Kind::File => node.entry = file(&random.below(3).to_string()),
            _ => node.entry.metadata_mut().mtime = Timestamp::from_nanos(random.below(3).cast_signed()),
        }
    }

    fn step(&mut self, random: &SeededRandom) {
        match random.below(8) {
            0 | 1 => self.create(random),
            2 => self.delete(random),
            3..=5 => self.relocate(random),
            6 => self.swap(random),
            _ => self.edit(random),
        }
    }

    /// The plan from an earlier state to this one, with every move that the numbers tell.
    fn plan_since(&self, old: &Self, random: &SeededRandom) -> Vec<Change> {
        let deleted = |id: &u64| *id != 0 && !self.nodes.contains_key(id);
        let mut plan = Vec::new();
        for (id, node) in &old.nodes {
            if deleted(id) && !deleted(&node.parent) {
                plan.push(Change::Delete { path: old.path(*id) });
            }
        }
        for (id, node) in &self.nodes {
            let (path, entry) = (self.path(*id), node.entry.clone());
            plan.extend(match old.nodes.get(id) {
                None => Some(Change::Create { path, entry }),
                Some(was) if (was.parent, was.name) != (node.parent, node.name) => {
                    Some(Change::Move { from: old.path(*id), to: path, entry })
                }
                Some(was) if !was.entry.same_content(&entry) => Some(Change::Modify { path, entry }),
                Some(was) if was.entry != entry => Some(Change::Metadata { path, metadata: entry.metadata().clone() }),
                Some(_) => None,
            });
        }
        self.with_replaces(plan, old, random)
    }

    /// A delete and a create of another kind at the same place of the same directory may be said as one.
    fn with_replaces(&self, mut plan: Vec<Change>, old: &Self, random: &SeededRandom) -> Vec<Change> {
        for (id, node) in &self.nodes {
            let place = |(_, was): &(&u64, &Node)| (was.parent, was.name) == (node.parent, node.name);
            let Some((was_id, was)) = old.nodes.iter().find(place) else { continue };
            let is_new = !old.nodes.contains_key(id) && !self.nodes.contains_key(was_id);
            let (gone, come) = (Change::Delete { path: old.path(*was_id) }, self.path(*id));
            let create = Change::Create { path: come.clone(), entry: node.entry.clone() };
            if is_new && was.entry.kind() != node.entry.kind() && plan.contains(&gone) && random.below(2) == 0 {
                plan.retain(|change| *change != gone && *change != create);
                plan.push(Change::Replace { path: come, entry: node.entry.clone() });
            }
        }
        plan
    }
}

/// In a directory that moves out of a deleted one: a set cannot say that (`protocol::Tree`), planners send no such plan.
fn deletes_below_a_delete(plan: &[Change]) -> bool {
    let deleted: BTreeSet<_> =
        plan.iter().filter(|change| change.kind() == ChangeKind::Delete).map(Change::path).collect();
    deleted.iter().any(|path| path.ancestors().any(|above| deleted.contains(&above)))
}

fn check_history(seed: u64, edits: usize, changes: usize, max_changes: usize) {
    let random = SeededRandom::new(seed);
    let mut world = World::new();
    (0..30).for_each(|_| world.create(&random));
    let (base, old) = (world.tree(), world.clone());
    (0..edits).for_each(|_| world.step(&random));
    let plan = world.plan_since(&old, &random);
    if deletes_below_a_delete(&plan) {
        return;
    }
    assert_eq!(base.apply(&plan), Ok(world.tree()), "the test's own plan: {plan:#?}");
    let moves_directories = plan.iter().any(|change| change.kind() == ChangeKind::Move && change.is_directory());
    let expected: BTreeSet<_> = plan.iter().map(|change| change.path().clone()).collect();
    match batches(plan, &sizes(changes, max_changes)) {
        Ok(cut) => {
            assert!(cut.iter().all(|batch| !batch.is_empty() && batch.len() <= max_changes));
            assert_eq!(apply_all(&base, &cut), world.tree(), "{cut:#?}");
            assert!(
                cut.iter().flatten().filter(|c| c.kind() != ChangeKind::Delete).all(|c| expected.contains(c.path()))
            );
        }
        Err(entangled) => assert!(moves_directories && entangled.changes > max_changes),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]
    #[test]
    fn batches_in_order_give_the_tree_of_the_plan(seed: u64, edits in 1usize..40, changes in 1usize..6) {
        check_history(seed, edits, changes, MAX_BATCH_CHANGES);
    }

    #[test]
    fn no_batch_is_ever_over_the_maximum(seed: u64, edits in 1usize..40, max_changes in 1usize..5) {
        check_history(seed, edits, max_changes, max_changes);
    }
}
