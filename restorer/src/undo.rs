//! Undoing one round: what it changed becomes what it was before, and what was changed since is left alone.
//!
//! First, the deepest first, everything that moved leaves its place: straight back where nothing is in the way, else it
//! waits under a temporary name in the root; and what was made goes, if it still is what was made. Then what waits comes
//! to its old place, what went comes back, what changed is as it was, and in the end the directories have their metadata.
//! Each step looks at what is there, so a run that was cut short is gone on with.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use protocol::{Change, Entry, Kind, Name, RelPath, Timestamp};
use rustix::io::Errno;
use seams::fs::Directory;

use crate::found::{Proof, holds, stat_of};
use crate::place::Coming;
use crate::run::{Ending, Run, RunError, Trouble};
use crate::subtree::Subtree;
use crate::undo_plan::{Changed, Leaving, Moved, UndoPlan};
use crate::{Deed, PastError};

/// The revisions that an undo speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The last revision before the round.
    pub before: u64,
    /// The round's last revision.
    pub after: u64,
    /// The mirror's newest revision.
    pub head: u64,
}

/// Undoes a set of changes that led over a span.
pub(crate) fn undo_changes(run: &Run<'_>, span: Span, changes: Vec<Change>) -> Result<(), RunError> {
    let plan = UndoPlan::of(changes);
    Undo { run, span, returned: Vec::new(), gone: plan.gone.clone() }.all(plan)
}

pub(crate) fn ended(error: PastError) -> RunError {
    match error {
        PastError::Lost(why) => RunError::Past(why.into()),
        PastError::Ended(source) => RunError::Past(source),
    }
}

struct Undo<'a> {
    run: &'a Run<'a>,
    span: Span,
    /// What moved and is on its way back, or is back already.
    returned: Vec<Returned>,
    /// What has to come from the mirror, by its path then.
    gone: Vec<RelPath>,
}

/// When directories changed last, by their inodes: what an undo does in a directory is no change of it, where the round
/// was none. (Where it was one, the directory's own metadata comes back after this.)
struct Times {
    directories: BTreeSet<RelPath>,
    known: BTreeMap<(u64, u64), Timestamp>,
}

impl Times {
    /// The times of those of these directories that are there.
    fn of(run: &Run<'_>, directories: BTreeSet<RelPath>) -> Self {
        let time = |path: &RelPath| {
            let stat = run.open(path).ok()??.own_stat().ok()?;
            Some(((stat.device, stat.inode), stat.mtime))
        };
        Self { known: directories.iter().filter_map(time).collect(), directories }
    }

    /// Sets them again, wherever the directories are by now. One that cannot be asked is not there.
    fn set(&self, run: &Run<'_>) -> Result<(), RunError> {
        for path in self.directories.iter().filter(|_| !run.rules.dry_run) {
            let Ok(Some(directory)) = run.open(path) else { continue };
            let Ok(stat) = directory.own_stat() else { continue };
            match self.known.get(&(stat.device, stat.inode)) {
                Some(time) if *time != stat.mtime => {
                    let set = directory.set_own_mtime(*time).map_err(Trouble::disk(path, "set its time"));
                    run.settle(path, set)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

struct Returned {
    moved: Moved,
    /// The temporary name in the root under which it waits.
    waits: Option<Name>,
}

impl Undo<'_> {
    fn all(mut self, plan: UndoPlan) -> Result<(), RunError> {
        let times = Times::of(self.run, plan.around);
        self.vacate(plan.leaving)?;
        self.land()?;
        self.bring_back(&plan.changed)?;
        let moved = self.returned.drain(..).map(|returned| returned.moved);
        let came_back = moved.map(|Moved { now, then, made, .. }| Changed { now, then, made: Some(made) });
        let changed: Vec<Changed> = came_back.chain(plan.changed).collect();
        self.restore_changed(&changed, &times)
    }

    /// What moved or was made leaves its place.
    fn vacate(&mut self, leaving: Vec<Leaving>) -> Result<(), RunError> {
        let paths: Vec<RelPath> = leaving.iter().map(|leaving| leaving.now().clone()).collect();
        let current = self.entries(self.span.head, &paths)?;
        for (leaving, current) in leaving.into_iter().zip(current) {
            self.run.go_on()?;
            match leaving {
                Leaving::Back(moved) => self.send_back(moved, current.as_ref())?,
                Leaving::Made(path, made) => {
                    if self.run.settle(&path, self.remove(&path, &made))? == Some(true) {
                        self.run.listener.did(&path, made.kind() == Kind::Directory, Deed::Removed);
                    }
                }
            }
        }
        self.gone.sort();
        Ok(())
    }

    fn send_back(&mut self, moved: Moved, current: Option<&Entry>) -> Result<(), RunError> {
        let waits = self.run.settle(&moved.now, self.leave(&moved, current))?;
        match waits.flatten() {
            Some(waits) => self.returned.push(Returned { moved, waits }),
            None => self.gone.push(moved.then),
        }
        Ok(())
    }

    /// Takes one thing away from where it moved to. Answers under which name it waits, none if it is back; or nothing if
    /// it is not there to be taken.
    fn leave(&self, moved: &Moved, current: Option<&Entry>) -> Result<Option<Option<Name>>, Trouble> {
        let failed = Trouble::disk(&moved.now, "move it back");
        let Some(root) = &self.run.root else { return Ok(None) };
        let waiting = self.waiting_name(&moved.now);
        if stat_of(&**root, &waiting).map_err(&failed)?.is_some() {
            return Ok(Some(Some(waiting)));
        }
        let Some((directory, name)) = self.place_of(&moved.now).map_err(&failed)? else {
            return Ok(self.is_back(moved, current).map_err(&failed)?.then_some(None));
        };
        if stat_of(&*directory, &name).map_err(&failed)?.is_none() {
            return Ok(self.is_back(moved, current).map_err(&failed)?.then_some(None));
        }
        let known = self.is_known(&*directory, &name, &moved.made, current).map_err(&failed)?;
        if !known && !self.run.rules.overwrite {
            return Err(Trouble::Path("left where it is: it was changed since".to_owned()));
        }
        if self.run.rules.dry_run {
            return Ok(Some(None));
        }
        if moved.straight && self.goes_straight(&*directory, &name, &moved.then).map_err(&failed)? {
            return Ok(Some(None));
        }
        directory.rename(&name, &**root, &waiting).map_err(&failed)?;
        Ok(Some(Some(waiting)))
    }

    /// Whether an earlier run moved it back already. Of a directory that is not enough: some of it may be missing.
    fn is_back(&self, moved: &Moved, current: Option<&Entry>) -> io::Result<bool> {
        let Some((directory, name)) = self.place_of(&moved.then)? else { return Ok(false) };
        Ok(moved.made.kind() != Kind::Directory && self.is_known(&*directory, &name, &moved.made, current)?)
    }

    fn goes_straight(&self, directory: &dyn Directory, name: &Name, then: &RelPath) -> io::Result<bool> {
        let Some((to, to_name)) = self.place_of(then)? else { return Ok(false) };
        if stat_of(&*to, &to_name)?.is_some() {
            return Ok(false);
        }
        directory.rename(name, &*to, &to_name).map(|()| true)
    }

    fn waiting_name(&self, now: &RelPath) -> Name {
        Name::restoring(&[&self.span.before.to_be_bytes(), &self.span.after.to_be_bytes(), now.as_bytes()])
    }

    /// Whether the mirror has what is there: as the round made it, or as it is now.
    fn is_known(
        &self,
        directory: &dyn Directory,
        name: &Name,
        made: &Entry,
        current: Option<&Entry>,
    ) -> io::Result<bool> {
        if holds(directory, name, made)? {
            return Ok(true);
        }
        current.map_or(Ok(false), |current| holds(directory, name, current))
    }

    /// Removes what the round made, if it is that still. False where nothing is there.
    fn remove(&self, path: &RelPath, made: &Entry) -> Result<bool, Trouble> {
        let failed = Trouble::disk(path, "remove it");
        let Some((directory, name)) = self.place_of(path).map_err(&failed)? else { return Ok(false) };
        if stat_of(&*directory, &name).map_err(&failed)?.is_none() {
            return Ok(false);
        }
        if !self.run.rules.overwrite && !holds(&*directory, &name, made).map_err(&failed)? {
            return Err(Trouble::Path("left as it is: it is not what the round made".to_owned()));
        }
        if self.run.rules.dry_run {
            return Ok(true);
        }
        let removed = match directory.remove_file(&name) {
            Err(error) if is_directory(&error) => directory.remove_directory(&name),
            removed => removed,
        };
        removed.map(|()| true).map_err(|error| match Errno::from_io_error(&error) {
            Some(Errno::NOTEMPTY | Errno::EXIST) => {
                Trouble::Path("left as it is: something is in it that the round did not make".to_owned())
            }
            _ => failed(error),
        })
    }

    /// What waits comes to its old place, the topmost first; where that is taken, it goes back to where it was.
    fn land(&mut self) -> Result<(), RunError> {
        self.returned.sort_by(|a, b| a.moved.then.cmp(&b.moved.then));
        for Returned { moved, waits } in std::mem::take(&mut self.returned) {
            let landed = match &waits {
                None => Ok(()),
                Some(waits) => {
                    Subtree::new(self.run, self.span.before, Proof::Bytes, &BTreeSet::new()).on_the_way(&moved.then)?;
                    self.land_one(waits, &moved)
                }
            };
            if self.run.settle(&moved.then, landed)?.is_some() {
                let (from, is_directory) = (moved.now.clone(), moved.made.kind() == Kind::Directory);
                self.run.listener.did(&moved.then, is_directory, Deed::Moved { from });
                self.returned.push(Returned { moved, waits: None });
            }
        }
        Ok(())
    }

    fn land_one(&self, waits: &Name, moved: &Moved) -> Result<(), Trouble> {
        let failed = Trouble::disk(&moved.then, "move it back");
        let Some(root) = &self.run.root else { return Ok(()) };
        let vacant = |path: &RelPath| -> io::Result<Option<(Arc<dyn Directory>, Name)>> {
            let Some((directory, name)) = self.place_of(path)? else { return Ok(None) };
            Ok(stat_of(&*directory, &name)?.is_none().then_some((directory, name)))
        };
        if let Some((directory, name)) = vacant(&moved.then).map_err(&failed)? {
            return root.rename(waits, &*directory, &name).map_err(&failed);
        }
        match vacant(&moved.now).map_err(&failed)? {
            Some((directory, name)) => root.rename(waits, &*directory, &name).map_err(&failed)?,
            None => return Err(Trouble::Path(format!("its place is taken; what moved waits as {waits}"))),
        }
        Err(Trouble::Path(format!("its place is taken; what moved is left at {}", moved.now)))
    }

    /// What went comes back, but for what moved away from there; and for files that changed, whose turn is next.
    fn bring_back(&self, changed: &[Changed]) -> Result<(), RunError> {
        let is_file = |changed: &&Changed| changed.made.as_ref().is_some_and(|made| made.kind() != Kind::Directory);
        let changed = changed.iter().filter(is_file).map(|changed| changed.then.clone());
        let back: BTreeSet<RelPath> =
            self.returned.iter().map(|returned| returned.moved.then.clone()).chain(changed).collect();
        for path in &self.gone {
            self.run.go_on()?;
            Subtree::new(self.run, self.span.before, Proof::Bytes, &back).restore(path)?;
        }
        Ok(())
    }

    /// What changed is as it was: contents first, then directories, the deepest first.
    fn restore_changed(&self, changed: &[Changed], times: &Times) -> Result<(), RunError> {
        let then: Vec<RelPath> = changed.iter().map(|changed| changed.then.clone()).collect();
        let now: Vec<RelPath> = changed.iter().map(|changed| changed.now.clone()).collect();
        let (old, current) = (self.entries(self.span.before, &then)?, self.entries(self.span.head, &now)?);
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for ((changed, old), current) in changed.iter().zip(old).zip(current) {
            match old {
                Some(old) if old.kind() == Kind::Directory => directories.push((&changed.then, old)),
                Some(old) => files.push((changed, old, current)),
                None => {}
            }
        }
        self.files(files)?;
        times.set(self.run)?;
        directories.sort_by(|a, b| b.0.cmp(a.0));
        for (path, old) in directories {
            self.directory(path, &old)?;
        }
        Ok(())
    }

    fn files(&self, files: Vec<(&Changed, Entry, Option<Entry>)>) -> Result<(), RunError> {
        let ending = Ending::default();
        self.run.files.for_each(files, |(changed, entry, current)| {
            // Where only the metadata changed no content gives way.
            let made = changed.made.clone().into_iter();
            let gives_way: Vec<Entry> = made.flat_map(|made| [Some(made), current.clone()]).flatten().collect();
            let path = &changed.then;
            let (revision, proof) = (self.span.before, Proof::Bytes);
            let coming = Coming { revision, path, entry: &entry, gives_way: &gives_way, proof };
            ending.unless_set(|| self.run.place_and_tell(&coming));
        });
        ending.result()
    }

    /// A directory that is not there any more has no metadata to set.
    fn directory(&self, path: &RelPath, old: &Entry) -> Result<(), RunError> {
        let is_there = match self.place_of(path) {
            Ok(Some((directory, name))) => holds(&*directory, &name, old).unwrap_or(false),
            Ok(None) => path.is_root(),
            Err(_) => false,
        };
        if !is_there {
            return Ok(());
        }
        let finished = self.run.finish_directory(path, old.metadata(), Deed::Unchanged);
        if let Some(deed) = self.run.settle(path, finished)? {
            self.run.listener.did(path, true, deed);
        }
        Ok(())
    }

    /// The directory that a path is in, opened, and its name there; nothing where there is no such directory.
    fn place_of(&self, path: &RelPath) -> io::Result<Option<(Arc<dyn Directory>, Name)>> {
        let Some((parent, name)) = path.split_last() else { return Ok(None) };
        match self.run.open(&parent) {
            Ok(directory) => Ok(directory.map(|directory| (directory, name))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn entries(&self, revision: u64, paths: &[RelPath]) -> Result<Vec<Option<Entry>>, RunError> {
        self.run.past.entries(revision, paths).map_err(ended)
    }
}

/// Unlinking a directory says so, or that it is not allowed.
fn is_directory(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::ISDIR | Errno::PERM))
}
