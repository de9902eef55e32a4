//! Doing the steps of a decided revision, now or again.

use std::io;
use std::sync::Arc;

use protocol::{Kind, Metadata, Problem, ProblemCode, RelPath};
use seams::fs::Directory;

use crate::catalog::{KeptVersion, VersionId};
use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::{Executor, gone_is_none};
use crate::tree_store::mirror::Mirror;
use crate::tree_store::problems::disk;
use crate::tree_store::redo_log;
use crate::tree_store::rights::{open_below, open_directory};
use crate::tree_store::step::{Step, directory_mode, version_name};

/// Up to so many steps, directories are made durable one by one; more, and the whole file system is.
const FEW_STEPS: usize = 32;

/// Whether a step changes something where it is: syncing its directory does not make that durable.
fn changes_in_place(step: &Step) -> bool {
    matches!(step, Step::Describe { .. })
}

/// Which time the steps of a revision are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The first.
    First,
    /// Another: after a crash, or after an error, which may have been that of a sync. No sync of before is repeated.
    Again,
}

/// What a finished revision found on its way.
#[derive(Debug, Default)]
struct Outcome {
    lost: Vec<RelPath>,
    kept_mtimes: Vec<(crate::catalog::Node, protocol::Timestamp)>,
}

impl ClientStore {
    /// Finishes every mirror's unfinished revision. One that cannot be finished now waits for its next commit.
    pub(super) fn redo_all(&self) -> Result<(), Problem> {
        let mirrors = self.catalog().mirrors()?;
        for record in mirrors {
            let mirror = self.mirror(&record.name)?;
            if let Err(problem) = self.redo(&mirror) {
                tracing::error!(mirror = %record.name, %problem, "a revision is not finished on disk");
            }
        }
        Ok(())
    }

    /// Finishes a mirror's unfinished revision, if there is one.
    pub(super) fn redo(&self, mirror: &Mirror) -> Result<(), Problem> {
        let unfinished = self.catalog().unfinished(mirror.id)?;
        let Some((revision, rows)) = unfinished else { return Ok(()) };
        let steps = redo_log::from_rows(&rows)?;
        let _in_motion = mirror.in_motion();
        self.finish(mirror, revision, &steps, Attempt::Again)
    }

    /// The same before the head is told to anybody, who would take it for an acknowledgement.
    pub(super) fn redo_before_telling(&self, mirror: &Mirror) -> Result<(), Problem> {
        if self.catalog().unfinished(mirror.id)?.is_none() {
            return Ok(());
        }
        let _alone = mirror.alone();
        self.redo(mirror)
    }

    /// Does a decided revision's steps, and forgets them.
    pub(super) fn finish(
        &self,
        mirror: &Mirror,
        revision: u64,
        steps: &[Step],
        attempt: Attempt,
    ) -> Result<(), Problem> {
        let outcome = self.do_steps(mirror, revision, steps, attempt).map_err(|error| {
            tracing::error!(%error, revision, mirror = %mirror.name, "redo pending");
            let detail =
                format!("revision {revision} of the mirror {} is not finished on disk: {}", mirror.name, error.kind());
            Problem::new(ProblemCode::RedoPending, detail)
                .with_hint("nothing is lost; it is tried again at the next commit")
        })?;
        for path in &outcome.lost {
            tracing::warn!(%path, mirror = %mirror.name, "something vanished from the mirror");
            self.make_up_for(mirror, revision, path)?;
        }
        Ok(self.catalog().finish(mirror.id, revision, &outcome.kept_mtimes)?)
    }

    /// The content of a lost file is asked for again; a lost directory was made anew, and gets its metadata back.
    fn make_up_for(&self, mirror: &Mirror, revision: u64, path: &RelPath) -> Result<(), Problem> {
        let lost = self.catalog().row_at(mirror.root, path, revision)?;
        if let Some(row) = &lost {
            self.catalog().want(row, self.now())?;
        }
        let parent = path.parent().unwrap_or_else(RelPath::root);
        let above = self.catalog().row_at(mirror.root, &parent, revision)?;
        for (path, row) in [(path, lost), (&parent, above)] {
            if let Some(row) = row.filter(|row| row.entry.kind() == Kind::Directory) {
                self.settle_anew(mirror, revision, path, row.entry.metadata()).map_err(disk("settle a directory"))?;
            }
        }
        Ok(())
    }

    fn settle_anew(&self, mirror: &Mirror, revision: u64, path: &RelPath, metadata: &Metadata) -> io::Result<()> {
        let root = self.open_root(mirror, &mut |path| self.take_foreign(mirror, revision, path, None))?;
        let Some(directory) = gone_is_none(open_below(&root, path))? else { return Ok(()) };
        directory.set_own_mode(directory_mode(metadata.mode))?;
        directory.set_own_mtime(metadata.mtime)?;
        directory.sync()
    }

    fn do_steps(&self, mirror: &Mirror, revision: u64, steps: &[Step], attempt: Attempt) -> io::Result<Outcome> {
        let epoch = self.durability.epoch();
        let mut take_foreign = |path: &RelPath, size: u64| self.take_foreign(mirror, revision, path, Some(size));
        let root = self.open_root(mirror, &mut |path| self.take_foreign(mirror, revision, path, None))?;
        let mut executor = Executor::new(root, &self.shelves, revision, &mut take_foreign);
        for step in steps {
            executor.run(step)?;
        }
        let is_few = steps.len() <= FEW_STEPS && !steps.iter().any(changes_in_place);
        let synced = if is_few && attempt == Attempt::First {
            executor.sync(steps).inspect_err(|_| self.durability.distrust())
        } else {
            self.durability.sync_all(epoch)
        };
        synced.inspect_err(|_| self.staging.condemn())?;
        Ok(Outcome { lost: executor.lost, kept_mtimes: executor.kept_mtimes })
    }

    /// A mirror's root. What is not a directory there goes to the versions.
    pub(super) fn open_root(
        &self,
        mirror: &Mirror,
        take_foreign: &mut dyn FnMut(&RelPath) -> io::Result<VersionId>,
    ) -> io::Result<Arc<dyn Directory>> {
        let (folder, name) = (&self.shelves.folder, mirror.name.as_name());
        if let Some(root) = gone_is_none(open_directory(&**folder, &name))? {
            return Ok(root);
        }
        if gone_is_none(folder.stat(&name))?.is_some() {
            let version = take_foreign(&RelPath::root())?;
            folder.rename(&name, &*self.shelves.versions, &version_name(version))?;
        }
        folder.create_directory(&name)?;
        folder.sync()?;
        folder.open_directory(&name)
    }

    /// Takes a number among the versions for something that is not ours.
    pub(super) fn take_foreign(
        &self,
        mirror: &Mirror,
        revision: u64,
        path: &RelPath,
        size: Option<u64>,
    ) -> io::Result<VersionId> {
        let id = self.new_version();
        let version = KeptVersion { id, revision, node: None, path: path.clone(), size };
        let kept = self.catalog().keep_foreign(mirror.id, &version, self.now());
        kept.map(|()| id).map_err(|error| io::Error::other(error.to_string()))
    }
}
