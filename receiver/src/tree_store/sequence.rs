//! The order of steps, found purely: from what is touched and what the disk has, to what is done one after the other.
//!
//! Phase 1, by the paths of the base, deepest first: everything that leaves its place is renamed away. Phase 2, by
//! the paths of the result, shallowest first: everything that arrives is renamed into place. Then metadata, and last
//! the directories, deepest first. Swaps, cycles and moves into own former children need nothing special.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use protocol::{Entry, Kind, Name, RelPath};

use crate::catalog::{Disk, KeptVersion, Node, VersionId};
use crate::tree_store::plan::{BasePlace, Plan, ResultPlace, Touched};
use crate::tree_store::step::{Step, directory_mode, file_mode};

/// What the disk has at the place of a touched node of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// What the catalog says.
    Ours(Disk),
    /// A file of other length or mtime than the catalog says: somebody changed it.
    Altered(Disk),
    /// Nothing, or something of another kind.
    NotOurs,
}

impl Found {
    fn disk(self) -> Option<Disk> {
        match self {
            Self::Ours(disk) | Self::Altered(disk) => Some(disk),
            Self::NotOurs => None,
        }
    }
}

/// A new instance, staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instance {
    /// Its name in the staging directory.
    pub(super) staged: String,
    /// What the disk says of it.
    pub(super) disk: Disk,
}

/// Steps in order, and what they send to the versions.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// The steps.
    pub(super) steps: Vec<Step>,
    /// What is kept.
    pub(super) versions: Vec<KeptVersion>,
    /// Where closed rows' things are kept.
    pub(super) version_of: HashMap<Node, VersionId>,
}

/// Finds the order of steps for a plan.
pub(super) fn sequence(
    plan: &Plan,
    revision: u64,
    found: &HashMap<Node, Found>,
    instances: &HashMap<Node, Instance>,
    next_version: &mut dyn FnMut() -> VersionId,
) -> Sequence {
    let mut sequencer = Sequencer::new(plan, revision, found, instances);
    let departures = sequencer.departures(next_version);
    let arrivals = sequencer.arrivals();
    let metadata = sequencer.metadata();
    let settling = sequencer.settling();
    let mut sequence = sequencer.sequence;
    sequence.steps = departures.into_iter().rev().map(|(_, step)| step).collect();
    sequence.steps.extend(arrivals.into_values());
    sequence.steps.extend(metadata);
    sequence.steps.extend(settling.into_iter().rev().map(|(_, step)| step));
    sequence
}

struct Sequencer<'a> {
    plan: &'a Plan,
    revision: u64,
    found: &'a HashMap<Node, Found>,
    instances: &'a HashMap<Node, Instance>,
    /// The kinds of what arrives, by place.
    arriving: HashMap<(Node, &'a Name), Kind>,
    /// Directories that leave their place.
    leaving: HashSet<Node>,
    /// Nodes that go to the parking first.
    parked: HashSet<Node>,
    /// Inodes that may be renamed over, by place.
    over: HashMap<(Node, &'a Name), u64>,
    /// Directories in which something happens.
    disturbed: BTreeSet<Node>,
    sequence: Sequence,
}

impl<'a> Sequencer<'a> {
    fn new(
        plan: &'a Plan,
        revision: u64,
        found: &'a HashMap<Node, Found>,
        instances: &'a HashMap<Node, Instance>,
    ) -> Self {
        let arriving = plan.touched.values().filter(|touched| touched.arrives());
        let arriving = arriving.filter_map(|touched| touched.result.as_ref());
        let arriving = arriving.map(|result| ((result.parent, &result.name), result.entry.kind())).collect();
        let leaves = |touched: &Touched| touched.result.is_none() || touched.is_relocated();
        let leaving = plan.touched.iter().filter(|(_, touched)| leaves(touched)).map(|(node, _)| *node).collect();
        Self {
            plan,
            revision,
            found,
            instances,
            arriving,
            leaving,
            parked: HashSet::new(),
            over: HashMap::new(),
            disturbed: BTreeSet::new(),
            sequence: Sequence::default(),
        }
    }

    fn disk(&self, node: Node) -> Option<Disk> {
        self.found.get(&node).and_then(|found| found.disk())
    }

    /// Phase 1, by paths of the base.
    fn departures(&mut self, next_version: &mut dyn FnMut() -> VersionId) -> BTreeMap<RelPath, Step> {
        let mut departures = BTreeMap::new();
        for (node, touched) in &self.plan.touched {
            let Some(base) = &touched.base else { continue };
            let is_over = touched.result.is_none() || touched.is_fresh;
            if !is_over && !touched.is_relocated() {
                continue;
            }
            self.disturbed.insert(base.row.parent);
            let Some(disk) = self.disk(*node) else { continue };
            let step = match base.row.entry {
                _ if !is_over => self.park(*node, base, disk),
                Entry::Symlink { .. } => self.discard(base, disk),
                Entry::Directory { .. } | Entry::File { .. } => Some(self.keep(*node, base, disk, next_version())),
            };
            departures.extend(step.map(|step| (base.path.clone(), step)));
        }
        departures
    }

    /// Something that moves waits in the parking, unless it can be renamed at once: its directory stays where it
    /// is, and nothing else wants its place.
    fn park(&mut self, node: Node, base: &BasePlace, disk: Disk) -> Option<Step> {
        let place = (base.row.parent, &base.row.name);
        let is_wanted = self.arriving.contains_key(&place);
        let moves_around = self.plan.with_ancestors(base.row.parent).any(|above| self.leaving.contains(&above));
        if !is_wanted && !moves_around {
            return None;
        }
        self.parked.insert(node);
        Some(Step::Park { base: base.path.clone(), inode: disk.inode, node: node.0 })
    }

    fn discard(&mut self, base: &'a BasePlace, disk: Disk) -> Option<Step> {
        let place = (base.row.parent, &base.row.name);
        if self.arriving.get(&place).is_some_and(|kind| *kind != Kind::Directory) {
            self.over.insert(place, disk.inode);
            return None;
        }
        Some(Step::Discard { base: base.path.clone(), inode: disk.inode })
    }

    fn keep(&mut self, node: Node, base: &'a BasePlace, disk: Disk, version: VersionId) -> Step {
        let is_ours = matches!(self.found.get(&node), Some(Found::Ours(_)));
        if is_ours {
            self.sequence.version_of.insert(node, version);
        }
        let is_file = base.row.entry.kind() == Kind::File;
        self.sequence.versions.push(KeptVersion {
            id: version,
            revision: self.revision,
            node: is_ours.then_some(node),
            path: base.path.clone(),
            size: is_file.then_some(disk.size),
        });
        let place = (base.row.parent, &base.row.name);
        let (base, inode, version) = (base.path.clone(), disk.inode, version.0);
        let taker = self.arriving.get(&place);
        if is_file && taker.is_some_and(|kind| *kind != Kind::Directory) {
            self.over.insert(place, inode);
            return Step::Link { base, inode, version };
        }
        Step::Keep { base, inode, version }
    }

    /// Phase 2, by paths of the result.
    fn arrivals(&mut self) -> BTreeMap<RelPath, Step> {
        let mut arrivals = BTreeMap::new();
        for (node, touched) in self.plan.touched.iter().filter(|(_, touched)| touched.arrives()) {
            let Some(place) = &touched.result else { continue };
            let over = self.over.get(&(place.parent, &place.name)).copied();
            if let Some(step) = self.arrival(*node, touched, place, over) {
                self.disturbed.insert(place.parent);
                if place.entry.kind() == Kind::Directory {
                    self.disturbed.insert(*node);
                }
                arrivals.insert(place.path.clone(), step);
            }
        }
        arrivals
    }

    fn arrival(&self, node: Node, touched: &Touched, place: &ResultPlace, over: Option<u64>) -> Option<Step> {
        let result = place.path.clone();
        if let Some(Instance { staged, disk }) = self.instances.get(&node) {
            return Some(Step::Place { result, inode: disk.inode, staged: staged.clone(), over });
        }
        let inode = self.disk(node)?.inode;
        if self.parked.contains(&node) {
            return Some(Step::Unpark { result, inode, node: node.0, over });
        }
        Some(Step::Rename { base: touched.base.as_ref()?.path.clone(), result, inode, over })
    }

    /// Files and symlinks that are not new but have other metadata now.
    fn metadata(&self) -> Vec<Step> {
        let stays = |(node, touched): (&Node, &Touched)| -> Option<Step> {
            let (base, result) = (touched.base.as_ref()?, touched.result.as_ref()?);
            let (old, new) = (base.row.entry.metadata(), result.entry.metadata());
            if self.instances.contains_key(node) || old == new || result.entry.kind() == Kind::Directory {
                return None;
            }
            let Some(Found::Ours(disk)) = self.found.get(node) else { return None };
            let mode = (result.entry.kind() == Kind::File).then(|| file_mode(new.mode));
            let (result, mtime) = (result.path.clone(), new.mtime);
            Some(Step::Describe { result, inode: disk.inode, mode, mtime, node: node.0 })
        };
        self.plan.touched.iter().filter_map(stays).collect()
    }

    /// Directories whose listing or metadata changed, by paths of the result.
    fn settling(&mut self) -> BTreeMap<RelPath, Step> {
        let described = self.plan.touched.iter().filter(|(_, touched)| {
            touched.result.as_ref().is_some_and(|result| result.entry.kind() == Kind::Directory)
        });
        self.disturbed.extend(described.map(|(node, _)| *node));
        let settle = |node: &Node| {
            let (result, metadata) = (self.plan.result_path(*node)?, self.plan.result_metadata(*node)?);
            let (mode, mtime) = (directory_mode(metadata.mode), metadata.mtime);
            Some((result.clone(), Step::Settle { result, mode, mtime }))
        };
        self.disturbed.iter().filter_map(settle).collect()
    }
}
