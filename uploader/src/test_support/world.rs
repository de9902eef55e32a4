//! A small tree with a history: what moves is known, because things have numbers.

use std::collections::BTreeMap;

use protocol::{Change, ContentId, Entry, Kind, RelPath, Timestamp, Tree};
use seams::random::{Random, SeededRandom};

use super::{directory, file, path};

/// A small tree whose things keep their numbers while a history of edits goes over it.
#[derive(Debug, Clone)]
pub(crate) struct World {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    /// Whether each file has a text of its own, which stays; otherwise equal contents are common.
    distinct: bool,
}

#[derive(Debug, Clone)]
struct Node {
    /// 0 is the root.
    parent: u64,
    name: char,
    entry: Entry,
}

const NAMES: &[char] = &['a', 'b', 'c', 'd'];

impl World {
    /// Things that nothing happened to yet.
    pub(crate) fn random(random: &SeededRandom, distinct: bool) -> Self {
        let mut world = Self { nodes: BTreeMap::new(), next: 1, distinct };
        (0..30).for_each(|_| world.create(random));
        world
    }

    /// The paths at which anything is.
    pub(crate) fn paths(&self) -> Vec<RelPath> {
        self.nodes.keys().map(|id| self.path(*id)).collect()
    }

    /// The contents of files that are in both.
    pub(crate) fn contents_kept_since(&self, old: &Self) -> Vec<ContentId> {
        let kept = self.nodes.iter().filter(|(id, _)| old.nodes.contains_key(id));
        kept.filter_map(|(_, node)| Some(node.entry.content()?.0)).collect()
    }

    fn path(&self, id: u64) -> RelPath {
        let node = &self.nodes[&id];
        let text =
            if node.parent == 0 { node.name.to_string() } else { format!("{}/{}", self.path(node.parent), node.name) };
        path(&text)
    }

    pub(crate) fn tree(&self) -> Tree {
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

    fn entry(&self, random: &SeededRandom) -> Entry {
        match random.below(2) {
            0 => directory(),
            _ if self.distinct => file(&self.next.to_string()),
            _ => file(&random.below(3).to_string()),
        }
    }

    fn create(&mut self, random: &SeededRandom) {
        let (parent, name) = (self.any_directory(random), Self::pick(random, NAMES));
        if !self.taken(parent, name) {
            let entry = self.entry(random);
            self.nodes.insert(self.next, Node { parent, name, entry });
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
        let distinct = self.distinct;
        let node = self.nodes.get_mut(&id).expect("was picked from the nodes");
        match random.below(2) {
            0 if node.entry.kind() == Kind::File && !distinct => node.entry = file(&random.below(3).to_string()),
            _ => node.entry.metadata_mut().mtime = Timestamp::from_nanos(random.below(3).cast_signed()),
        }
    }

    pub(crate) fn step(&mut self, random: &SeededRandom) {
        match random.below(8) {
            0 | 1 => self.create(random),
            2 => self.delete(random),
            3..=5 => self.relocate(random),
            6 => self.swap(random),
            _ => self.edit(random),
        }
    }

    /// The plan from an earlier state to this one, with every move that the numbers tell.
    pub(crate) fn plan_since(&self, old: &Self, random: &SeededRandom) -> Vec<Change> {
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
        self.said_otherwise(plan, old, random)
    }

    /// What a plan may say in another way: a delete and a create of another kind at one place as a replace; and
    /// what moves over a file needs no delete of that.
    fn said_otherwise(&self, mut plan: Vec<Change>, old: &Self, random: &SeededRandom) -> Vec<Change> {
        for (id, node) in &self.nodes {
            let place = |(_, was): &(&u64, &Node)| (was.parent, was.name) == (node.parent, node.name);
            let Some((was_id, was)) = old.nodes.iter().find(place) else { continue };
            let (gone, path) = (Change::Delete { path: old.path(*was_id) }, self.path(*id));
            if !plan.contains(&gone) || random.below(2) == 0 {
                continue;
            }
            let create = Change::Create { path: path.clone(), entry: node.entry.clone() };
            if old.nodes.contains_key(id) && was.entry.kind() == Kind::File {
                plan.retain(|change| *change != gone);
            } else if plan.contains(&create) && was.entry.kind() != node.entry.kind() {
                plan.retain(|change| *change != gone && *change != create);
                plan.push(Change::Replace { path, entry: node.entry.clone() });
            }
        }
        plan
    }
}
