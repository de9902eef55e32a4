//! [`Instances`]: everything new that a commit needs, made in the staging directory before anything is decided.

use std::collections::{BTreeMap, HashMap};
use std::io;

use protocol::wire::Missing;
use protocol::{ByteRange, ContentId, Entry, LinkTarget, Metadata, Name, Problem};
use seams::fs::File;

use crate::catalog::{Disk, Node};
use crate::store::proposal::{Proposal, missing_of};
use crate::tree_store::bytes::copy;
use crate::tree_store::client::ClientStore;
use crate::tree_store::durability::Epoch;
use crate::tree_store::plan::{Plan, ResultPlace};
use crate::tree_store::problems::disk;
use crate::tree_store::sequence::Instance;
use crate::tree_store::staging::{lock, remove};
use crate::tree_store::step::{directory_mode, file_mode, own_name};

/// Up to so many files are made durable one by one; more, and the whole file system is.
const FEW_FILES: usize = 16;

/// New instances, not yet anybody's.
#[derive(Debug)]
pub(super) struct Instances {
    /// By node.
    pub(super) made: HashMap<Node, Instance>,
    /// Files that were staged whole: given back if the commit fails.
    taken: Vec<(ContentId, Name, u64)>,
    /// Files that were made for this commit: removed if it fails.
    created: Vec<Name>,
    epoch: Epoch,
    is_small: bool,
}

/// Fresh files by content: each a node and its metadata.
type Uses<'a> = BTreeMap<ContentId, Vec<(Node, &'a Metadata)>>;

impl ClientStore {
    /// Makes whole every content that a plan needs and the client does not hold. Answers what is missing, and
    /// whether it came out wrong rather than not at all.
    pub(super) fn make_contents_whole(
        &self,
        proposal: &Proposal,
        plan: &Plan,
    ) -> Result<Result<(), (Vec<Missing>, bool)>, Problem> {
        let uses = uses(plan);
        let lacking = missing_of(proposal, |content| {
            if uses.contains_key(&content.content) { self.lacking_unless_held(content) } else { Ok(Vec::new()) }
        })?;
        if !lacking.is_empty() {
            return Ok(Err((lacking, false)));
        }
        let wrong = missing_of(proposal, |content| {
            if !uses.contains_key(&content.content) || self.held_length(content.content)?.is_some() {
                return Ok(Vec::new());
            }
            let slot = self.staging.slot(content.content);
            let mut staged = lock(&slot);
            let is_whole = staged.whole_length().is_some() || self.assemble(content, &mut staged)?.is_none();
            Ok(if is_whole { Vec::new() } else { vec![whole(content.length)] })
        })?;
        if wrong.is_empty() { Ok(Ok(())) } else { Ok(Err((wrong, true))) }
    }

    /// Makes all instances of a plan, whose contents are whole or held, and makes them durable. Answers the
    /// contents that turned out damaged where they were held.
    pub(super) fn make_instances(&self, plan: &Plan) -> Result<Result<Instances, Vec<ContentId>>, Problem> {
        let uses = uses(plan);
        let files: usize = uses.values().map(Vec::len).sum();
        let mut instances = Instances {
            made: HashMap::new(),
            taken: Vec::new(),
            created: Vec::new(),
            epoch: self.durability.epoch(),
            is_small: files <= FEW_FILES,
        };
        let made = self.fill_instances(&mut instances, plan, &uses);
        match made {
            Ok(damaged) if damaged.is_empty() => Ok(Ok(instances)),
            Ok(damaged) => {
                self.discard(instances);
                Ok(Err(damaged))
            }
            Err(problem) => {
                self.discard(instances);
                Err(problem)
            }
        }
    }

    fn fill_instances(
        &self,
        instances: &mut Instances,
        plan: &Plan,
        uses: &Uses<'_>,
    ) -> Result<Vec<ContentId>, Problem> {
        let mut damaged = Vec::new();
        for (content, uses) in uses {
            if !self.make_files(instances, *content, uses)? {
                damaged.push(*content);
            }
        }
        for (node, place) in fresh(plan) {
            self.make_other(instances, node, place).map_err(disk("stage a directory or symlink"))?;
        }
        if damaged.is_empty() {
            self.make_durable(instances).map_err(disk("make the batch durable"))?;
        }
        Ok(damaged)
    }

    /// One file for each use of a content; false if the content is damaged wherever it is held.
    fn make_files(
        &self,
        instances: &mut Instances,
        content: ContentId,
        uses: &[(Node, &Metadata)],
    ) -> Result<bool, Problem> {
        let failed = disk("stage a file");
        let Some((last, others)) = uses.split_last() else { return Ok(true) };
        let Some((staged, length)) = self.staging.take(content).map_err(&failed)? else {
            for (node, metadata) in uses {
                let mut make = |source: &dyn File| self.copy_file(instances, content, source, *node, metadata);
                if !self.try_held(content, &mut make)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        };
        instances.taken.push((content, staged.clone(), length));
        let file = self.staging.directory().open_file(&staged).map_err(&failed)?;
        for (node, metadata) in others {
            if !self.copy_file(instances, content, &*file, *node, metadata).map_err(&failed)? {
                return Ok(false);
            }
        }
        self.finish_file(instances, &*file, &staged, *last).map_err(&failed)?;
        Ok(true)
    }

    /// Copies a content; false if what was copied is not what its id says.
    fn copy_file(
        &self,
        instances: &mut Instances,
        content: ContentId,
        source: &dyn File,
        node: Node,
        metadata: &Metadata,
    ) -> io::Result<bool> {
        let name = own_name(&self.staging.instance_name());
        let file = self.staging.directory().create_file(&name)?;
        instances.created.push(name.clone());
        if copy(source, whole(u64::MAX), &*file, 0)? != content {
            return Ok(false);
        }
        self.finish_file(instances, &*file, &name, (node, metadata))?;
        Ok(true)
    }

    fn finish_file(
        &self,
        instances: &mut Instances,
        file: &dyn File,
        name: &Name,
        (node, metadata): (Node, &Metadata),
    ) -> io::Result<()> {
        file.set_mode(file_mode(metadata.mode))?;
        file.set_mtime(metadata.mtime)?;
        if instances.is_small {
            file.sync().inspect_err(|_| self.durability.distrust())?;
        }
        instances.have_made(node, name, Disk::from(&file.stat()?));
        Ok(())
    }

    /// Makes a directory or symlink.
    fn make_other(&self, instances: &mut Instances, node: Node, place: &ResultPlace) -> io::Result<()> {
        match &place.entry {
            Entry::File { .. } => Ok(()),
            Entry::Directory { metadata } => self.make_directory(instances, node, metadata),
            Entry::Symlink { metadata, target } => self.make_symlink(instances, node, metadata, target),
        }
    }

    fn make_directory(&self, instances: &mut Instances, node: Node, metadata: &Metadata) -> io::Result<()> {
        let (name, directory) = (own_name(&self.staging.instance_name()), self.staging.directory());
        directory.create_directory(&name)?;
        instances.created.push(name.clone());
        let made = directory.open_directory(&name)?;
        made.set_own_mode(directory_mode(metadata.mode))?;
        instances.have_made(node, &name, Disk::from(&made.own_stat()?));
        Ok(())
    }

    fn make_symlink(
        &self,
        instances: &mut Instances,
        node: Node,
        metadata: &Metadata,
        target: &LinkTarget,
    ) -> io::Result<()> {
        let (name, directory) = (own_name(&self.staging.instance_name()), self.staging.directory());
        directory.create_symlink(&name, target.as_bytes())?;
        instances.created.push(name.clone());
        directory.set_mtime(&name, metadata.mtime)?;
        instances.have_made(node, &name, Disk::from(&directory.stat(&name)?));
        Ok(())
    }

    /// Few files were synced one by one: their names are left. Many are synced together. After an error nothing
    /// that was written may be believed.
    fn make_durable(&self, instances: &Instances) -> io::Result<()> {
        if instances.is_small {
            return self.staging.directory().sync().inspect_err(|_| self.durability.distrust());
        }
        let synced = self.durability.sync_all(instances.epoch);
        if synced.is_err() {
            self.staging.condemn();
        }
        synced
    }

    /// Undoes what was made for a commit that did not come to be.
    pub(super) fn discard(&self, instances: Instances) {
        let is_condemned = self.durability.epoch() != instances.epoch;
        let directory = &**self.staging.directory();
        for name in &instances.created {
            warn_if_failed(remove(directory, name));
        }
        for (content, name, length) in instances.taken {
            let undone =
                if is_condemned { remove(directory, &name) } else { self.staging.give_back(content, name, length) };
            warn_if_failed(undone);
        }
    }
}

impl Instances {
    fn have_made(&mut self, node: Node, name: &Name, disk: Disk) {
        let staged = String::from_utf8_lossy(name.as_bytes()).into_owned();
        self.made.insert(node, Instance { staged, disk });
    }

    /// Contents that came anew.
    pub(super) fn arrived(&self) -> Vec<ContentId> {
        self.taken.iter().map(|(content, _, _)| *content).collect()
    }
}

fn fresh(plan: &Plan) -> impl Iterator<Item = (Node, &ResultPlace)> {
    let fresh = plan.touched.iter().filter(|(_, touched)| touched.is_fresh);
    fresh.filter_map(|(node, touched)| Some((*node, touched.result.as_ref()?)))
}

fn uses(plan: &Plan) -> Uses<'_> {
    let mut uses = Uses::new();
    for (node, place) in fresh(plan) {
        if let Some((content, _)) = place.entry.content() {
            uses.entry(content).or_default().push((node, place.entry.metadata()));
        }
    }
    uses
}

/// All bytes of a content of this length.
pub(super) fn whole(length: u64) -> ByteRange {
    ByteRange { offset: 0, length }
}

fn warn_if_failed(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "a staged file stays until the next start");
    }
}
