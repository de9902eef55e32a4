//! The walk: one [`Walk`](seams::fs::Walk) a subtree gives candidate names; what they are is asked of held directories.
//!
//! A directory is handed on when the walk leaves it, with everything that was seen in it. A large subtree hands off
//! parts of itself to threads that have nothing to do.

use std::sync::Arc;

use protocol::{LinkTarget, Name, RelPath};
use seams::fs::{Directory, FileKind, Stat, Step, Walk, open_by_components};
use seams::parallel::Queue;

use crate::compare::Look;
use crate::finding::{Deferral, Trouble};
use crate::large::MOST_LISTED;
use crate::open_directories::{OpenDirectories, OpenDirectory, Opened};
use crate::past::Past;
use crate::round::Round;
use crate::scan::ScanError;
use crate::trust::{ReadStart, Stamps};

/// A subtree to walk.
#[derive(Debug)]
pub(crate) struct Subtree {
    pub path: RelPath,
    /// What the snapshot has of its top directory.
    pub past: Past,
    /// The device its top directory is on.
    pub device: u64,
    /// Whether it was walked before in this round.
    pub again: bool,
}

/// Walks one subtree and hands on each directory as it is left.
pub(crate) struct SubtreeWalk<'a, 'r> {
    round: &'a Round<'r>,
    queue: &'a Queue<Subtree>,
    walk: Box<dyn Walk>,
    open: OpenDirectories,
}

/// What to do with a directory that was just named.
pub(crate) enum Descent {
    Into(Box<OpenDirectory>),
    Later(Subtree),
    No,
    /// What is there is not what was recorded, which was reported.
    Refused,
    /// It was there a moment ago.
    Vanished,
}

impl<'a, 'r> SubtreeWalk<'a, 'r> {
    /// Opens the subtree's top directory; nothing if that failed, which is then reported.
    pub(crate) fn begin(
        round: &'a Round<'r>,
        queue: &'a Queue<Subtree>,
        subtree: Subtree,
    ) -> Result<Option<Self>, ScanError> {
        let handle = match open_by_components(&round.root, &subtree.path) {
            Ok(handle) => handle,
            Err(error) => {
                round.trouble(subtree.path, error, Trouble::OpenDirectory);
                return Ok(None);
            }
        };
        let Some(top) = open_directory(round, subtree, handle)? else { return Ok(None) };
        let walk = top.handle.walk();
        let open = OpenDirectories::new(Arc::clone(&round.root), top);
        Ok(Some(Self { round, queue, walk, open }))
    }

    /// Walks it all; `leave` gets each directory when everything in it was seen.
    pub(crate) fn run(
        mut self,
        leave: &mut impl FnMut(OpenDirectory) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        while let Some(step) = self.walk.next_step() {
            match step {
                Step::Name { depth, name, descends, too_deep } => {
                    self.leave_below(depth, leave)?;
                    self.name(name, descends, too_deep)?;
                }
                Step::Incomplete { depth, error } => {
                    self.leave_below(depth + 1, leave)?;
                    self.open.mark_broken(depth, error);
                }
            }
        }
        self.leave_below(0, leave)
    }

    /// Leaves every directory deeper than the one that holds names of `depth`; with 0, all.
    fn leave_below(
        &mut self,
        depth: usize,
        leave: &mut impl FnMut(OpenDirectory) -> Result<(), ScanError>,
    ) -> Result<(), ScanError> {
        while self.open.depth() > depth {
            let Some(directory) = self.open.pop() else { break };
            leave(directory)?;
        }
        Ok(())
    }

    /// Looks at one candidate name, and decides whether to descend.
    fn name(&mut self, name: Name, descends: bool, too_deep: bool) -> Result<(), ScanError> {
        self.round.go_on()?;
        let Some(top) = self.open.top().filter(|top| !top.lost) else {
            if descends {
                self.walk.skip_directory();
            }
            return Ok(());
        };
        let mut look = look(self.round, top, &name);
        let descent = match &look {
            Look::There { stat, .. } if stat.kind == FileKind::Directory => {
                let other_walk = too_deep || !descends || self.queue.is_hungry();
                descend(self.round, top, &name, stat, other_walk)?
            }
            _ => Descent::No,
        };
        match descent {
            Descent::Vanished => look = Look::Vanished,
            Descent::Refused => look = Look::Unknown,
            Descent::Into(_) | Descent::Later(_) | Descent::No => {}
        }
        top.list(name, look);
        match descent {
            Descent::Into(directory) => {
                self.open.push(*directory);
                return Ok(());
            }
            Descent::Later(subtree) => self.queue.push(subtree),
            Descent::No | Descent::Refused | Descent::Vanished => {}
        }
        if descends {
            self.walk.skip_directory();
        }
        Ok(())
    }
}

/// Looks at one name of a directory.
pub(crate) fn look(round: &Round<'_>, directory: &mut OpenDirectory, name: &Name) -> Look {
    let stat = match directory.handle.stat(name) {
        Ok(stat) => stat,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Look::Vanished,
        Err(error) => return unknown(round, directory, name, Trouble::Stat(error)),
    };
    if !round.filter.is_empty() {
        match directory.path.join(name) {
            Ok(path) if round.filter.excludes(&path, stat.kind == FileKind::Directory) => return Look::Excluded,
            Ok(_) => {}
            Err(error) => return unknown(round, directory, name, error.into()),
        }
    }
    let target = match stat.kind {
        FileKind::Symlink => match link_target(directory, name) {
            Ok(target) => Some(target),
            Err(error) => return unknown(round, directory, name, Trouble::ReadLink(error)),
        },
        FileKind::Directory | FileKind::File | FileKind::Special => None,
    };
    Look::There { stat, stamps: stamps(round, directory, &stat), target }
}

/// The stamps of a name's file system: its directory's, except at a mount point.
fn stamps(round: &Round<'_>, directory: &mut OpenDirectory, stat: &Stat) -> Stamps {
    if stat.device != directory.stat.device {
        return round.stamps.learn(stat.device, stat.ctime);
    }
    if directory.stamps.may_learn_from(stat.ctime) {
        directory.stamps = round.stamps.learn(stat.device, stat.ctime);
    }
    directory.stamps
}

fn link_target(directory: &OpenDirectory, name: &Name) -> std::io::Result<LinkTarget> {
    let bytes = directory.handle.read_link(name)?;
    LinkTarget::parse(&bytes).ok_or_else(|| std::io::Error::other("no symlink can point there"))
}

fn unknown(round: &Round<'_>, directory: &OpenDirectory, name: &Name, trouble: Trouble) -> Look {
    let path = directory.path.join(name).unwrap_or_else(|_| directory.path.clone());
    round.problem(path, trouble);
    Look::Unknown
}

/// Decides whether to go into a directory that is there, and how.
pub(crate) fn descend(
    round: &Round<'_>,
    parent: &mut OpenDirectory,
    name: &Name,
    stat: &Stat,
    other_walk: bool,
) -> Result<Descent, ScanError> {
    round.hold_row(parent, name)?;
    if round.one_file_system && stat.device != round.device {
        return Ok(Descent::No);
    }
    let path = match parent.path.join(name) {
        Ok(path) => path,
        Err(error) => {
            round.problem(parent.path.clone(), error.into());
            return Ok(Descent::No);
        }
    };
    if !round.is_on_recorded_file_system(parent, name, &path, stat)? {
        return Ok(Descent::Refused);
    }
    let past = round.past_of(parent, name, &path, stat)?;
    let subtree = Subtree { path, past, device: stat.device, again: parent.again };
    if other_walk {
        return Ok(Descent::Later(subtree));
    }
    match parent.handle.open_directory(name) {
        Ok(handle) => {
            let opened = open_directory(round, subtree, handle)?;
            Ok(opened.map_or(Descent::No, |directory| Descent::Into(Box::new(directory))))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Descent::Vanished),
        Err(error) => {
            round.problem(subtree.path, Trouble::OpenDirectory(error));
            Ok(Descent::No)
        }
    }
}

/// Takes a directory's stat and rows; nothing if it cannot be looked at, or is on another file system than it was when
/// its name was looked at: somebody mounts or unmounts there, and what is recorded is not to be compared with it.
pub(crate) fn open_directory(
    round: &Round<'_>,
    subtree: Subtree,
    handle: Arc<dyn Directory>,
) -> Result<Option<OpenDirectory>, ScanError> {
    let Subtree { path, past, device, again } = subtree;
    let opened = ReadStart::now(round.clock);
    let stat = match handle.own_stat() {
        Ok(stat) if stat.device == device => stat,
        Ok(_) => {
            round.defer([path], Deferral::Unsettled);
            return Ok(None);
        }
        Err(error) => {
            round.trouble(path, error, Trouble::Stat);
            return Ok(None);
        }
    };
    let stamps = round.meet_file_system(&*handle, &stat);
    let rows = match past.id {
        // One more tells that there are more.
        Some(id) => round.recorded.rows_after(id, None, MOST_LISTED + 1).map_err(ScanError::Recorded)?,
        None => Vec::new(),
    };
    let aside = match past.aside {
        Some(id) => round.recorded.rows(id).map_err(ScanError::Recorded)?,
        None => Vec::new(),
    };
    let opened = Opened { path, handle, past, at: opened, stat, stamps, again };
    Ok(Some(OpenDirectory::new(opened, rows, aside)))
}
