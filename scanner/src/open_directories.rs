//! The directories between the walk's start and where it is, each with what was seen of it so far.
//!
//! Only the deepest few hold their descriptors; one higher up is opened again by components when the walk comes back
//! to it, and must then be the same directory. So a tree of any depth is walked with few descriptors.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use protocol::{Name, RelPath};
use seams::fs::{Directory, Stat, open_by_components};
use seams::recorded::{Reading, Row};

use crate::compare::{Listed, Look};
use crate::large::MOST_LISTED;
use crate::past::Past;
use crate::trust::{ReadStart, Stamps};

/// How many directories of the stack hold their descriptors.
const HELD: usize = 32;

/// A directory that the walk is in.
#[derive(Debug)]
pub(crate) struct OpenDirectory {
    pub path: RelPath,
    pub handle: Arc<dyn Directory>,
    /// What the snapshot has of it.
    pub past: Past,
    /// When it was opened, before the stat.
    pub opened: ReadStart,
    /// Its own stat when it was opened, before it was listed.
    pub stat: Stat,
    /// What is known of the stamps of its file system.
    pub stamps: Stamps,
    /// Its recorded rows, sorted by name.
    pub rows: Vec<Row>,
    /// The rows that are recorded at its path, if those are others, sorted by name.
    pub aside: Vec<Row>,
    /// The directories in it that are not what the snapshot has at their paths.
    pub strangers: BTreeSet<Name>,
    /// What was seen in it so far, in the walk's order; nothing in a large directory until it is judged.
    pub listed: Vec<Listed>,
    /// The names in a directory that is too large to hold what was seen of each.
    names: Vec<Name>,
    /// Whether it has more rows than are held: then they are read again in parts, when it is judged.
    pub more_rows: bool,
    /// Why its listing is not complete.
    pub broken: Option<io::Error>,
    /// Whether it could not be opened again: what its handle leads to is not it.
    pub lost: bool,
    /// Whether it was listed and judged before in this round.
    pub again: bool,
}

/// What is known of a directory when it is opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub path: RelPath,
    pub handle: Arc<dyn Directory>,
    pub past: Past,
    pub at: ReadStart,
    pub stat: Stat,
    pub stamps: Stamps,
    pub again: bool,
}

impl OpenDirectory {
    /// With nothing listed yet, and these rows; without all of them, if they are more than are held.
    pub(crate) fn new(opened: Opened, mut rows: Vec<Row>, aside: Vec<Row>) -> Self {
        let Opened { path, handle, past, at: opened, stat, stamps, again } = opened;
        let more_rows = rows.len() > MOST_LISTED;
        rows.truncate(if more_rows { 0 } else { MOST_LISTED });
        let (strangers, listed, names) = (BTreeSet::new(), Vec::new(), Vec::new());
        let (broken, lost) = (None, false);
        Self {
            path,
            handle,
            past,
            opened,
            stat,
            stamps,
            rows,
            aside,
            strangers,
            listed,
            names,
            more_rows,
            broken,
            lost,
            again,
        }
    }

    /// Notes what was seen at a name. Of a large directory only the name is kept: it is looked at again.
    pub(crate) fn list(&mut self, name: Name, look: Look) {
        if self.names.is_empty() {
            self.listed.push(Listed { name, look });
        } else {
            self.names.push(name);
        }
        if self.listed.len() > MOST_LISTED {
            self.names = self.listed.drain(..).map(|listed| listed.name).collect();
        }
    }

    /// Whether it is judged in parts.
    pub(crate) fn is_large(&self) -> bool {
        self.more_rows || !self.names.is_empty()
    }

    /// Its names, of which nothing else is kept any more.
    pub(crate) fn take_names(&mut self) -> Vec<Name> {
        let mut names = std::mem::take(&mut self.names);
        names.extend(self.listed.drain(..).map(|listed| listed.name));
        names
    }

    /// Whether a name was listed.
    pub(crate) fn names(&self, name: &Name) -> bool {
        self.names.contains(name) || self.listed.iter().any(|listed| listed.name == *name)
    }

    /// Forgets what was listed: it was of another directory.
    fn forget_listed(&mut self) {
        self.listed.clear();
        self.names.clear();
    }

    /// Holds the row of one name, where not all rows are held.
    pub(crate) fn hold(&mut self, row: Row) {
        if let Err(at) = self.rows.binary_search_by(|held| held.name.cmp(&row.name)) {
            self.rows.insert(at, row);
        }
    }

    pub(crate) fn row(&self, name: &Name) -> Option<&Row> {
        row(&self.rows, name)
    }

    /// What was last read at the path of a name in it, if something else is compared with what is there.
    pub(crate) fn read_aside(&self, name: &Name) -> Option<&Reading> {
        row(&self.aside, name).and_then(|row| row.reading.as_ref())
    }

    /// What the snapshot has of a directory in it, by its name.
    pub(crate) fn past_of(&self, name: &Name) -> Past {
        let id = |rows| row(rows, name).and_then(|row| row.directory);
        let (id, aside) = (id(&self.rows), id(&self.aside));
        let base = self.base_of(name).filter(|_| id.is_some());
        Past { id, base, aside, stranger: self.past.stranger, doubtful: self.past.doubtful }
    }

    /// Where the mirror has what is compared with a name in it, if that is elsewhere.
    pub(crate) fn base_of(&self, name: &Name) -> Option<RelPath> {
        self.past.base.as_ref().and_then(|base| base.join(name).ok())
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
                    level.directory.forget_listed();
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

fn row<'a>(rows: &'a [Row], name: &Name) -> Option<&'a Row> {
    rows.binary_search_by(|row| row.name.cmp(name)).ok().map(|at| &rows[at])
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
