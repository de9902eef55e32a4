//! [`Instances`]: everything new that a commit needs, made in the staging directory before anything is decided.

use std::collections::{BTreeMap, HashMap};
use std::io;

use protocol::wire::{CopiedRange, Mismatch, Missing};
use protocol::{ByteRange, ContentId, ContentPlan, Entry, LinkTarget, Metadata, Name, Problem};
use seams::fs::File;

use crate::catalog::{Disk, Node};
use crate::store::proposal::{FirstUse, Proposal, missing_of};
use crate::tree_store::bytes::{BUFFER_BYTES, copy, each_buffer, hash};
use crate::tree_store::client::ClientStore;
use crate::tree_store::durability::Epoch;
use crate::tree_store::plan::{Plan, ResultPlace};
use crate::tree_store::prefix::Prefix;
use crate::tree_store::problems::disk;
use crate::tree_store::sequence::Instance;
use crate::tree_store::staged::Whole;
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
    taken: Vec<(ContentId, Whole)>,
    /// Files that were made for this commit: removed if it fails.
    created: Vec<Name>,
    epoch: Epoch,
    is_small: bool,
}

/// Fresh files by content: each a node and its metadata.
type Uses<'a> = BTreeMap<ContentId, Vec<(Node, &'a Metadata)>>;

impl ClientStore {
    /// Makes whole every content that a plan needs and the client does not hold. Answers what is missing; if nothing
    /// is, what came out wrong.
    pub(super) fn make_contents_whole(
        &self,
        proposal: &Proposal,
        plan: &Plan,
    ) -> Result<(Vec<Missing>, Vec<Mismatch>), Problem> {
        let uses = uses(plan);
        let is_ready = |content: &ContentPlan| {
            !uses.contains_key(&content.content) || self.staging.has_whole(content.content, content.length)
        };
        let missing =
            missing_of(
                proposal,
                |content| {
                    if is_ready(content) { Ok(Vec::new()) } else { Ok(self.lacking(content)?.literals) }
                },
            )?;
        let mut mismatched = Vec::new();
        if missing.is_empty() {
            for (index, content) in (0u32..).zip(&proposal.contents).filter(|(_, content)| !is_ready(content)) {
                mismatched.extend(self.make_whole(content)?.map(|copied| Mismatch { index, copied }));
            }
        }
        Ok((missing, mismatched))
    }

    /// Makes one content whole that the client does not hold; if it came out wrong, what was copied is answered.
    pub(super) fn make_whole(&self, content: &ContentPlan) -> Result<Option<Vec<CopiedRange>>, Problem> {
        if self.held_length(content.content)?.is_some() {
            return Ok(None);
        }
        let slot = self.staging.slot(content.content);
        let mut staged = lock(&slot);
        if staged.whole_length().is_some() { Ok(None) } else { self.assemble(content, &mut staged) }
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
        let Some(staged) = self.staging.take(content).map_err(&failed)? else {
            for usage in uses {
                let mut make = |source: &dyn File| self.copy_file(instances, content, source, *usage);
                if !self.try_held(content, &mut make)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        };
        instances.taken.push((content, staged.clone()));
        if others.is_empty() && instances.have_ready(&staged, *last) {
            return Ok(true);
        }
        let file = self.staging.directory().open_file(&staged.name).map_err(&failed)?;
        for usage in others {
            if !self.copy_file(instances, content, &*file, *usage).map_err(&failed)? {
                return Ok(false);
            }
        }
        self.finish_file(instances, &*file, &staged.name, *last).map_err(&failed)?;
        Ok(true)
    }

    /// Copies a content; false if what was copied is not what its id says.
    fn copy_file(
        &self,
        instances: &mut Instances,
        content: ContentId,
        source: &dyn File,
        usage: (Node, &Metadata),
    ) -> io::Result<bool> {
        let name = own_name(&self.staging.instance_name());
        let file = self.staging.directory().create_file(&name)?;
        instances.created.push(name.clone());
        let is_right = copy_whole(source, &*file)? == content;
        if is_right {
            self.finish_file(instances, &*file, &name, usage)?;
        }
        Ok(is_right)
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
        for (content, staged) in instances.taken {
            // A file that was made ready for one use may look otherwise by now.
            let staged = Whole { ready: None, ..staged };
            let undone =
                if is_condemned { remove(directory, &staged.name) } else { self.staging.give_back(content, staged) };
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
        self.taken.iter().map(|(content, _)| *content).collect()
    }

    /// Takes a staged file as it is, if it was made for this very use and will be made durable with all others.
    fn have_ready(&mut self, staged: &Whole, (node, metadata): (Node, &Metadata)) -> bool {
        let usage = FirstUse { mode: metadata.mode, mtime: metadata.mtime };
        let ready = staged.ready.filter(|ready| ready.usage == usage && !self.is_small);
        if let Some(ready) = ready {
            self.have_made(node, &staged.name, ready.disk);
        }
        ready.is_some()
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

/// Copies a file, and answers the BLAKE3 of the copy. A small one is hashed in the same go.
fn copy_whole(source: &dyn File, to: &dyn File) -> io::Result<ContentId> {
    let size = source.stat()?.size;
    if size > BUFFER_BYTES as u64 {
        to.set_length(size)?;
        copy(source, whole(size), to, 0)?;
        return hash(to);
    }
    let mut prefix = Prefix::default();
    each_buffer(source, whole(size), |at, bytes| {
        prefix.extend_with(bytes);
        to.write_all_at(bytes, at)
    })?;
    Ok(prefix.digest())
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
