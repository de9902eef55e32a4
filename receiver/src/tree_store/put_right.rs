//! Putting a mirror right without a revision: things made anew where they were damaged or missing, things that only
//! look otherwise, things that are not ours. It is a commit in all but the revision: everything new is staged and
//! durable, one catalog transaction decides, and steps do the rest, also after a crash.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::Arc;

use protocol::{ContentId, Entry, Kind, Problem, RelPath};
use seams::fs::{Directory, FileKind, Stat, open_by_components};

use crate::catalog::{Catalog, CatalogError, DamageKey, Disk, KeptVersion, Node, Repair, Row, VersionId};
use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::instances::Instances;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::plan::{BasePlace, Plan, ResultPlace, Touched};
use crate::tree_store::problems::disk;
use crate::tree_store::redo::Attempt;
use crate::tree_store::redo_log;
use crate::tree_store::rights::{self, with_rights};
use crate::tree_store::sequence::{Found, Sequence, sequence};
use crate::tree_store::step::{Step, file_mode, own_name, version_name};

/// What is to be put right in a mirror. Rows are open, and paths those of the head.
#[derive(Debug, Default)]
pub(super) struct Amends {
    /// Files, directories and symlinks that are missing, or something else lies there.
    pub(super) anew: Vec<(Row, RelPath)>,
    /// What only has another mode or mtime.
    pub(super) described: Vec<(Row, RelPath)>,
    /// What the catalog does not have.
    pub(super) extra: Vec<RelPath>,
    /// The damage that this ends, each with its content.
    pub(super) healed: Vec<(ContentId, DamageKey)>,
}

/// A damaged file among the versions.
#[derive(Debug)]
pub(super) struct DamagedVersion {
    pub(super) row: Row,
    pub(super) version: VersionId,
    /// Where in it, if it is a directory that is kept whole.
    pub(super) path: RelPath,
    pub(super) key: (ContentId, DamageKey),
}

/// What came of putting a mirror right.
#[derive(Debug, Default)]
pub(super) struct PutRight {
    /// How many files came anew.
    pub(super) files: u64,
    /// What was put right; all else could not even be looked at.
    pub(super) nodes: HashSet<Node>,
}

/// A repair that everything is ready for.
struct Planned {
    number: u64,
    steps: Sequence,
    instances: Instances,
}

impl Amends {
    fn names(&self, node: Node) -> bool {
        self.anew.iter().any(|(row, _)| row.node == node)
    }

    fn is_empty(&self) -> bool {
        self.anew.is_empty() && self.described.is_empty() && self.extra.is_empty() && self.healed.is_empty()
    }

    /// The same but for files of these contents, which cannot be had.
    fn without(mut self, contents: &[ContentId]) -> Self {
        self.anew.retain(|(row, _)| row.entry.content().is_none_or(|(content, _)| !contents.contains(&content)));
        self.healed.retain(|(content, _)| !contents.contains(content));
        self
    }

    fn plan(&self, catalog: &Catalog, root: Node, number: u64) -> Result<Plan, CatalogError> {
        let mut touched = BTreeMap::new();
        let mut rows = HashMap::new();
        let anew = self.anew.iter().map(|place| (place, true));
        let described = self.described.iter().map(|place| (place, false));
        for ((row, path), is_fresh) in anew.chain(described) {
            touched.entry(row.node).or_insert_with(|| same(row, path, is_fresh));
            note_above(catalog, row, &mut rows)?;
        }
        for path in self.extra.iter().filter_map(RelPath::parent) {
            let Some(row) = catalog.row_at(root, &path, number)? else { continue };
            note_above(catalog, &row, &mut rows)?;
            touched.entry(row.node).or_insert_with(|| same(&row, &path, false));
        }
        Ok(Plan::renewing(root, touched, rows))
    }
}

/// A node that stays what it is.
fn same(row: &Row, path: &RelPath, is_fresh: bool) -> Touched {
    let base = BasePlace { row: row.clone(), path: path.clone() };
    let result =
        ResultPlace { parent: row.parent, name: row.name.clone(), path: path.clone(), entry: row.entry.clone() };
    Touched { base: Some(base), result: Some(result), is_fresh }
}

/// Looks up the directories above a row, up to the root.
fn note_above(catalog: &Catalog, row: &Row, rows: &mut HashMap<Node, BasePlace>) -> Result<(), CatalogError> {
    let mut above = row.parent;
    while above != Node::CLIENT && !rows.contains_key(&above) {
        let row = catalog.newest_of(above)?;
        let row = row.ok_or_else(|| CatalogError::Damaged("a directory without a row".to_owned()))?;
        let next = row.parent;
        // Only rows are asked of these: paths follow from names.
        rows.insert(above, BasePlace { row, path: RelPath::root() });
        above = next;
    }
    Ok(())
}

impl ClientStore {
    /// Puts right what can be. Nobody else may be committing.
    pub(super) fn put_right(&self, mirror: &Mirror, amends: Amends) -> Result<PutRight, Problem> {
        if amends.is_empty() {
            return Ok(PutRight::default());
        }
        let number = self.catalog().head(mirror.id)?.0.number;
        let mut plan = self.catalog().together(|catalog| amends.plan(catalog, mirror.root, number))?;
        let root = self.open_root(mirror, &mut |path| self.take_foreign(mirror, number, path, None));
        let root = root.map_err(disk("look at the mirror's files"))?;
        let found = look(&root, &mut plan);
        match self.make_instances(&plan)? {
            Ok(instances) => {
                let steps = self.steps(number, &root, &amends, &plan, &found, &instances);
                self.decide_repair(mirror, &amends, &plan, Planned { number, steps, instances })
            }
            Err(damaged) => {
                for content in &damaged {
                    self.catalog().want_everywhere(*content, self.now())?;
                }
                self.put_right(mirror, amends.without(&damaged))
            }
        }
    }

    fn decide_repair(
        &self,
        mirror: &Mirror,
        amends: &Amends,
        plan: &Plan,
        planned: Planned,
    ) -> Result<PutRight, Problem> {
        let Planned { number, steps, instances } = planned;
        let is_done = |key: &DamageKey| plan.touched.contains_key(&key.node) || !amends.names(key.node);
        let repair = Repair {
            revision: number,
            disks: instances.made.iter().map(|(node, made)| (*node, made.disk)).collect(),
            versions: steps.versions,
            steps: redo_log::to_rows(&steps.steps),
            healed: amends.healed.iter().filter(|(_, key)| is_done(key)).copied().collect(),
            arrived: instances.arrived(),
        };
        let _in_motion = mirror.in_motion();
        let decided = self.catalog().repair(mirror.id, &repair, self.next_numbers(), self.now());
        if let Err(error) = decided {
            // An error may also have come after the decision: the catalog knows.
            if self.catalog().unfinished(mirror.id)?.is_none() {
                self.discard(instances);
                return Err(error.into());
            }
        }
        self.finish(mirror, number, &steps.steps, Attempt::First)?;
        let files = amends.anew.iter().filter(|(row, _)| row.entry.kind() == Kind::File);
        let files = files.filter(|(row, _)| plan.touched.contains_key(&row.node)).count() as u64;
        Ok(PutRight { files, nodes: plan.touched.keys().copied().collect() })
    }

    /// The steps: what is not ours goes first, then everything comes to its place, then it is described.
    fn steps(
        &self,
        number: u64,
        root: &Arc<dyn Directory>,
        amends: &Amends,
        plan: &Plan,
        found: &HashMap<Node, Found>,
        instances: &Instances,
    ) -> Sequence {
        let mut sequence = sequence(plan, number, found, &instances.made, &mut || self.new_version());
        let mut first = Vec::new();
        for path in &amends.extra {
            let Ok(Some(stat)) = stat_at(root, path) else { continue };
            let id = self.new_version();
            let size = (stat.kind == FileKind::File).then_some(stat.size);
            sequence.versions.push(KeptVersion { id, revision: number, node: None, path: path.clone(), size });
            first.push(Step::Keep { base: path.clone(), inode: stat.inode, version: id.0 });
        }
        for (row, path) in amends.described.iter().filter(|(row, _)| row.entry.kind() != Kind::Directory) {
            let Ok(Some(stat)) = stat_at(root, path) else { continue };
            let metadata = row.entry.metadata();
            let mode = (row.entry.kind() == Kind::File).then(|| file_mode(metadata.mode));
            let (result, inode, mtime) = (path.clone(), stat.inode, metadata.mtime);
            first.push(Step::Describe { result, inode, mode, mtime, node: row.node.0 });
        }
        sequence.steps.splice(0..0, first);
        sequence
    }

    /// Puts a damaged file among the versions right; false if its content cannot be had.
    pub(super) fn put_version_right(&self, damaged: &DamagedVersion) -> Result<bool, Problem> {
        let DamagedVersion { row, version, path, key } = damaged;
        let touched = Touched { base: None, ..same(row, path, true) };
        let plan = Plan::renewing(row.node, BTreeMap::from([(row.node, touched)]), HashMap::new());
        let instances = match self.make_instances(&plan)? {
            Ok(instances) => instances,
            Err(damaged) => {
                damaged.iter().try_for_each(|content| self.catalog().want_everywhere(*content, self.now()))?;
                return Ok(false);
            }
        };
        let Some(made) = instances.made.get(&row.node).cloned() else { return Ok(false) };
        if let Err(error) = self.replace_version(*version, path, &made.staged) {
            self.discard(instances);
            return Err(disk("put a version right")(error));
        }
        self.catalog().repaired_version(row, made.disk, &[*key], &instances.arrived())?;
        Ok(true)
    }

    fn replace_version(&self, version: VersionId, path: &RelPath, staged: &str) -> io::Result<()> {
        let (versions, name) = (&self.shelves.versions, version_name(version));
        let (directory, name) = match path.split_last() {
            None => (Arc::clone(versions), name),
            Some((above, last)) => (open_by_components(&versions.open_directory(&name)?, &above)?, last),
        };
        self.shelves.staging.rename(&own_name(staged), &*directory, &name)?;
        directory.sync().inspect_err(|_| self.durability.distrust())
    }
}

/// What lies in the places of a plan. A file that is to come anew is not ours, whatever it looks like, nor is a symlink;
/// a directory that is there after all stays. What cannot even be looked at is left as it is.
fn look(root: &Arc<dyn Directory>, plan: &mut Plan) -> HashMap<Node, Found> {
    let mut found = HashMap::new();
    plan.touched.retain(|node, touched| {
        let Some(base) = &touched.base else { return false };
        let stat = if base.path.is_root() { root.own_stat().map(Some) } else { stat_at(root, &base.path) };
        let Ok(stat) = stat else { return false };
        let is_shut =
            stat.is_some_and(|stat| stat.kind == FileKind::Directory) && rights::open_below(root, &base.path).is_err();
        if is_shut {
            return false;
        }
        let what = match (stat, &base.row.entry) {
            (Some(stat), Entry::Directory { .. }) if stat.kind == FileKind::Directory => {
                touched.is_fresh = false;
                Found::Ours(Disk::from(&stat))
            }
            (Some(stat), Entry::File { .. }) if stat.kind == FileKind::File => Found::Altered(Disk::from(&stat)),
            _ => Found::NotOurs,
        };
        found.insert(*node, what);
        true
    });
    found
}

fn stat_at(root: &Arc<dyn Directory>, path: &RelPath) -> io::Result<Option<Stat>> {
    let Some((above, name)) = path.split_last() else { return Ok(None) };
    gone_is_none(
        rights::open_below(root, &above).and_then(|directory| with_rights(&*directory, || directory.stat(&name))),
    )
}
