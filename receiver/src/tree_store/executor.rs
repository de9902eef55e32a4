//! [`Executor`]: does the steps of a revision on disk.
//!
//! Each step looks at inodes first, so that a step that was done is not done again, and what is not ours is never
//! touched but moved out of the way. What somebody took away behind our back is noted as lost, and never stops the
//! rest. Only an error of the disk itself does; then the steps stay in the redo log.

use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath, Timestamp};
use seams::fs::{Directory, FileKind, Stat, leads_nowhere};

use crate::catalog::{Node, VersionId};
use crate::tree_store::rights::{self, open_below, open_directory, with_rights};
use crate::tree_store::shelves::Shelves;
use crate::tree_store::step::{Step, own_name, parked_name, version_name};

/// Takes a number among the versions for something foreign, durably, before it is moved there.
pub(super) type TakeForeign<'a> = dyn FnMut(&RelPath, u64) -> io::Result<VersionId> + 'a;

/// Does steps.
pub(super) struct Executor<'a> {
    root: Arc<dyn Directory>,
    shelves: &'a Shelves,
    revision: u64,
    take_foreign: &'a mut TakeForeign<'a>,
    /// The directory of the base that was used last. Its path means the same for as long as it is used: what
    /// leaves goes deepest first.
    base: Option<(RelPath, Arc<dyn Directory>)>,
    /// The directory of the result that was used last. What arrives comes shallowest first.
    result: Option<(RelPath, Arc<dyn Directory>)>,
    /// What was not there any more.
    pub(super) lost: Vec<RelPath>,
    /// What the disk made of mtimes that it cannot hold.
    pub(super) kept_mtimes: Vec<(Node, Timestamp)>,
}

impl<'a> Executor<'a> {
    /// For the steps of one revision of the mirror with this root.
    pub(super) fn new(
        root: Arc<dyn Directory>,
        shelves: &'a Shelves,
        revision: u64,
        take_foreign: &'a mut TakeForeign<'a>,
    ) -> Self {
        Self {
            root,
            shelves,
            revision,
            take_foreign,
            base: None,
            result: None,
            lost: Vec::new(),
            kept_mtimes: Vec::new(),
        }
    }

    /// Does one step, or what is left of it.
    pub(super) fn run(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Park { base, inode, node } => {
                let parked = parked_name(self.revision, *node);
                self.depart(base, *inode, |shelves, from, name| rights::rename(from, name, &*shelves.parking, &parked))
            }
            Step::Keep { base, inode, version } => {
                let kept = version_name(VersionId(*version));
                self.vacate(&kept, *inode, base)?;
                self.depart(base, *inode, |shelves, from, name| rights::rename(from, name, &*shelves.versions, &kept))
            }
            Step::Link { base, inode, version } => {
                let kept = version_name(VersionId(*version));
                self.vacate(&kept, *inode, base)?;
                self.depart(base, *inode, |shelves, from, name| {
                    already_there_is_fine(from.link(name, &*shelves.versions, &kept))
                })
            }
            Step::Discard { base, inode } => self.depart(base, *inode, |_, from, name| from.remove_file(name)),
            Step::Place { result, inode, staged, over } => {
                self.arrive(result, *inode, *over, &*self.shelves.staging, &own_name(staged))
            }
            Step::Unpark { result, inode, node, over } => {
                self.arrive(result, *inode, *over, &*self.shelves.parking, &parked_name(self.revision, *node))
            }
            Step::Rename { base, result, inode, over } => match self.at_base(base, *inode)? {
                Some((from, name)) => self.arrive(result, *inode, *over, &*from, &name),
                None => self.arrived_or_lost(result, *inode),
            },
            Step::Describe { result, inode, mode, mtime, node } => {
                self.describe(result, *inode, (*mode, *mtime), Node(*node))
            }
            Step::Settle { result, mode, mtime } => self.settle(result, *mode, *mtime),
        }
    }

    /// Makes durable what the steps did, directory by directory.
    pub(super) fn sync(&mut self, steps: &[Step]) -> io::Result<()> {
        for step in steps {
            if let Step::Settle { result, .. } = step {
                self.result_directory(result)?.sync()?;
            }
        }
        self.shelves.versions.sync()?;
        self.shelves.parking.sync()?;
        self.shelves.staging.sync()
    }

    /// Makes sure that a number among the versions is free, which was given out before a crash. Where the catalog is older
    /// than the files, as from a backup, something lies there that it does not know.
    fn vacate(&mut self, kept: &Name, inode: u64, base: &RelPath) -> io::Result<()> {
        let versions = &self.shelves.versions;
        let Some(stranger) = gone_is_none(versions.stat(kept))?.filter(|there| there.inode != inode) else {
            return Ok(());
        };
        // A number that is given out now is free: `ClientStore::new_version` looks.
        let free = version_name((self.take_foreign)(base, stranger.size)?);
        versions.rename(kept, &**versions, &free)
    }

    /// Something with this inode leaves its place of the base, if it is still there.
    fn depart(
        &mut self,
        base: &RelPath,
        inode: u64,
        leave: impl Fn(&Shelves, &dyn Directory, &Name) -> io::Result<()>,
    ) -> io::Result<()> {
        match self.at_base(base, inode)? {
            Some((from, name)) => with_rights(&*from, || leave(self.shelves, &*from, &name)),
            None => Ok(()),
        }
    }

    /// The directory and name of something with this inode in the base, if it is still there.
    fn at_base(&mut self, path: &RelPath, inode: u64) -> io::Result<Option<(Arc<dyn Directory>, Name)>> {
        let Some((above, name)) = path.split_last() else { return Ok(None) };
        let from = match &self.base {
            Some((cached, from)) if *cached == above => Arc::clone(from),
            _ => match gone_is_none(open_below(&self.root, &above))? {
                Some(from) => Arc::clone(&self.base.insert((above, from)).1),
                None => return Ok(None),
            },
        };
        let stat = gone_is_none(with_rights(&*from, || from.stat(&name)))?;
        Ok(stat.filter(|stat| stat.inode == inode).map(|_| (from, name)))
    }

    /// Something with this inode comes to its place of the result, from a directory where it may be.
    fn arrive(
        &mut self,
        result: &RelPath,
        inode: u64,
        over: Option<u64>,
        from: &dyn Directory,
        name: &Name,
    ) -> io::Result<()> {
        let (to, to_name) = self.result_place(result)?;
        if let Some(there) = gone_is_none(with_rights(&*to, || to.stat(&to_name)))? {
            if there.inode == inode {
                return Ok(());
            }
            let may_be_renamed_over = Some(there.inode) == over && there.kind != FileKind::Directory;
            if !may_be_renamed_over {
                if gone_is_none(from.stat(name))?.is_none() {
                    self.lost.push(result.clone());
                    return Ok(());
                }
                with_rights(&*to, || self.evacuate(&*to, &to_name, result, &there))?;
            }
        }
        if gone_is_none(rights::rename(from, name, &*to, &to_name))?.is_none() {
            self.lost.push(result.clone());
        }
        Ok(())
    }

    fn arrived_or_lost(&mut self, result: &RelPath, inode: u64) -> io::Result<()> {
        let (to, name) = self.result_place(result)?;
        if gone_is_none(with_rights(&*to, || to.stat(&name)))?.is_none_or(|there| there.inode != inode) {
            self.lost.push(result.clone());
        }
        Ok(())
    }

    fn result_place(&mut self, path: &RelPath) -> io::Result<(Arc<dyn Directory>, Name)> {
        let above_and_name = path.split_last();
        let (above, name) = above_and_name.ok_or_else(|| io::Error::other("the root never arrives"))?;
        Ok((self.result_directory(&above)?, name))
    }

    /// A directory of the result. One that somebody took away is made anew.
    fn result_directory(&mut self, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
        if let Some((cached, directory)) = &self.result
            && cached == path
        {
            return Ok(Arc::clone(directory));
        }
        let directory = match gone_is_none(open_below(&self.root, path))? {
            Some(directory) => directory,
            None => self.make_anew(path)?,
        };
        self.result = Some((path.clone(), Arc::clone(&directory)));
        Ok(directory)
    }

    fn make_anew(&mut self, path: &RelPath) -> io::Result<Arc<dyn Directory>> {
        let mut at = Arc::clone(&self.root);
        let mut path_here = RelPath::root();
        for name in path.components() {
            path_here = path_here.join(&name).map_err(io::Error::other)?;
            at = match gone_is_none(open_directory(&*at, &name))? {
                Some(below) => below,
                None => {
                    if let Some(there) = gone_is_none(at.stat(&name))? {
                        self.evacuate(&*at, &name, &path_here, &there)?;
                    }
                    at.create_directory(&name)?;
                    self.lost.push(path_here.clone());
                    at.open_directory(&name)?
                }
            };
        }
        Ok(at)
    }

    /// Moves what is not ours to the versions.
    fn evacuate(&mut self, from: &dyn Directory, name: &Name, path: &RelPath, there: &Stat) -> io::Result<()> {
        tracing::warn!(%path, "something that is not the receiver's is in the way and goes to the versions");
        let version = (self.take_foreign)(path, there.size)?;
        rights::rename(from, name, &*self.shelves.versions, &version_name(version))
    }

    fn describe(&mut self, path: &RelPath, inode: u64, state: (Option<u16>, Timestamp), node: Node) -> io::Result<()> {
        let (directory, name) = self.result_place(path)?;
        if gone_is_none(with_rights(&*directory, || directory.stat(&name)))?.is_none_or(|there| there.inode != inode) {
            return Ok(());
        }
        let (mode, mtime) = state;
        if let Some(mode) = mode {
            match directory.open_file(&name) {
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => directory.set_mode(&name, mode)?,
                opened => opened?.set_mode(mode)?,
            }
        }
        directory.set_mtime(&name, mtime)?;
        let kept = directory.stat(&name)?.mtime;
        if kept != mtime {
            self.kept_mtimes.push((node, kept));
        }
        Ok(())
    }

    fn settle(&mut self, path: &RelPath, mode: u16, mtime: Timestamp) -> io::Result<()> {
        let directory = self.result_directory(path)?;
        directory.set_own_mode(mode)?;
        directory.set_own_mtime(mtime)
    }
}

/// Nothing where a path leads to nothing, or through something that is no directory.
pub(super) fn gone_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if leads_nowhere(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn already_there_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}
