//! The directories between the walk's start and where it is, each with what was seen of it so far.
//!
//! Only the deepest few hold their descriptors; one higher up is opened again by components when the walk comes back
//! to it, and must then be the same directory. So a tree of any depth is walked with few descriptors.

use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath};
use seams::fs::{Directory, Stat, open_by_components};
use seams::recorded::{DirectoryId, Row};

use crate::compare::Listed;
use crate::trust::{ReadStart, Stamps};

/// How many directories of the stack hold their descriptors.
const HELD: usize = 32;

/// A directory that the walk is in.
#[derive(Debug)]
pub(crate) struct OpenDirectory {
    pub path: RelPath,
    pub handle: Arc<dyn Directory>,
    /// Its recorded number, if it has one.
    pub id: Option<DirectoryId>,
    /// When it was opened, before the stat.
    pub opened: ReadStart,
    /// Its own stat when it was opened, before it was listed.
    pub stat: Stat,
    /// What is known of the stamps of its file system.
    pub stamps: Stamps,
    /// Its recorded rows, sorted by name.
    pub rows: Vec<Row>,
    /// What was seen in it so far, in the walk's order.
    pub listed: Vec<Listed>,
    /// Why its listing is not complete.
    pub broken: Option<io::Error>,
    /// Whether it could not be opened again: what its handle leads to is not it.
    pub lost: bool,
    /// Whether it was listed and judged before in this round.
    pub again: bool,
}

impl OpenDirectory {
    pub(crate) fn row(&self, name: &Name) -> Option<&Row> {
        self.rows.binary_search_by(|row| row.name.cmp(name)).ok().map(|at| &self.rows[at])
    }

    /// The recorded number of a directory in it.
    pub(crate) fn recorded_id(&self, name: &Name) -> Option<DirectoryId> {
        self.row(name).and_then(|row| row.directory)
    }
}

/// The stack, the walk's start at the bottom.
#[derive(Debug)]
pub(crate) struct OpenDirectories {
    root: Arc<dyn Directory>,
    stack: Vec<Level>,
}

#[derive(Debug)]
struct Level {
    directory: OpenDirectory,
    held: bool,
}

impl OpenDirectories {
    pub(crate) fn new(root: Arc<dyn Directory>, start: OpenDirectory) -> Self {
        Self { root, stack: vec![Level { directory: start, held: true }] }
    }

    pub(crate) fn depth(&self) -> usize {
        self.stack.len()
    }

    pub(crate) fn push(&mut self, directory: OpenDirectory) {
        self.stack.push(Level { directory, held: true });
        if let Some(above) = self.stack.len().checked_sub(HELD + 1) {
            let level = &mut self.stack[above];
            // Any descriptor will do as a placeholder; the root's is always held.
            level.directory.handle = Arc::clone(&self.root);
            level.held = false;
        }
    }

    /// The directory the walk is in, its descriptor held. Where it cannot be opened again, or another directory has
    /// taken its place, it is lost.
    pub(crate) fn top(&mut self) -> Option<&mut OpenDirectory> {
        let root = &self.root;
        let level = self.stack.last_mut()?;
        if !level.held {
            level.held = true;
            match reopen(root, &level.directory) {
                Ok(handle) => level.directory.handle = handle,
                // The handle is a placeholder: whatever was or will be named here must not be looked up in it.
                Err(error) => {
                    level.directory.broken = Some(error);
                    level.directory.lost = true;
                    level.directory.listed.clear();
                }
            }
        }
        Some(&mut level.directory)
    }

    /// Takes the deepest directory off the stack.
    pub(crate) fn pop(&mut self) -> Option<OpenDirectory> {
        self.top()?;
        self.stack.pop().map(|level| level.directory)
    }

    /// Marks the listing of a directory as not complete.
    pub(crate) fn mark_broken(&mut self, depth: usize, error: io::Error) {
        let deepest = self.stack.len().saturating_sub(1);
        if let Some(level) = self.stack.get_mut(depth.min(deepest)) {
            level.directory.broken = Some(error);
        }
    }
}

fn reopen(root: &Arc<dyn Directory>, directory: &OpenDirectory) -> io::Result<Arc<dyn Directory>> {
    let handle = open_by_components(root, &directory.path)?;
    let stat = handle.own_stat()?;
    if (stat.device, stat.inode) == (directory.stat.device, directory.stat.inode) {
        Ok(handle)
    } else {
        Err(io::Error::other("another directory took its place while it was walked"))
    }
}
