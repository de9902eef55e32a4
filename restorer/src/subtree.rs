//! A whole tree, or what is at some paths, as of a revision.
//!
//! A tree comes page by page, each directory before what is in it. Directories are made as they come; the files of a page
//! are fetched several at a time; then the directories that the page left behind get their metadata, the deepest first,
//! for nothing changes in them any more. So only one page and the directories on the way to its end are in memory.

use std::collections::BTreeSet;

use protocol::wire::Listed;
use protocol::{Entry, Kind, Metadata, Name, RelPath};
use seams::fs::{Directory, FileKind, Stat};

use crate::found::{Found, Proof, look};
use crate::place::Coming;
use crate::run::{Ending, Run, RunError, Trouble};
use crate::{Deed, Rules, metadata};

/// What its owner needs to work in a directory.
const WORKABLE: u16 = 0o700;

/// Restores what was at these paths of a revision, or everything where none are named, below the run's root.
///
/// # Errors
/// See [`RunError`]; what is wrong with single paths is told to the listener.
pub fn restore(run: &Run<'_>, revision: u64, paths: &[RelPath]) -> Result<(), RunError> {
    let everything = [RelPath::root()];
    let mut paths = if paths.is_empty() { everything.to_vec() } else { paths.to_vec() };
    paths.sort();
    paths.dedup_by(|below, above| below == above || below.is_below(above));
    for path in &paths {
        Subtree::new(run, revision, Proof::Stamps, &BTreeSet::new()).restore(path)?;
    }
    run.make_durable()
}

/// A subtree on its way.
pub(crate) struct Subtree<'a> {
    run: &'a Run<'a>,
    revision: u64,
    proof: Proof,
    /// What is left out, with everything below it.
    without: &'a BTreeSet<RelPath>,
    /// The directories on the way to where the listing is, the topmost first.
    open: Vec<Open>,
}

/// A directory that something may still come to.
#[derive(Debug)]
struct Open {
    path: RelPath,
    metadata: Metadata,
    /// What became of it: nothing below it is restored where nothing did.
    outcome: Option<Deed>,
}

impl<'a> Subtree<'a> {
    pub(crate) fn new(run: &'a Run<'a>, revision: u64, proof: Proof, without: &'a BTreeSet<RelPath>) -> Self {
        Self { run, revision, proof, without, open: Vec::new() }
    }

    /// Restores what is at a path, and everything below it.
    pub(crate) fn restore(mut self, path: &RelPath) -> Result<(), RunError> {
        let Some(begin) = self.find(path)? else { return Ok(()) };
        self.make_parents(path)?;
        let is_directory = begin.entry.kind() == Kind::Directory;
        let mut after = begin.path.clone();
        self.page(vec![begin])?;
        let mut more = is_directory;
        while more {
            self.run.go_on()?;
            let (mut entries, goes_on) = self.list(&after)?;
            let all = entries.len();
            entries.retain(|listed| listed.path.is_below(path));
            more = goes_on && all > 0 && entries.len() == all;
            if let Some(last) = entries.last() {
                after = last.path.clone();
            }
            entries.retain(|listed| !self.is_left_out(&listed.path));
            self.page(entries)?;
        }
        let left = std::mem::take(&mut self.open);
        self.finish(left.into_iter().rev().collect())
    }

    fn list(&self, after: &RelPath) -> Result<(Vec<Listed>, bool), RunError> {
        let listed = self.run.past.list(self.revision, Some(after)).map_err(Trouble::from);
        // Without a listing of its tree a whole directory is lost.
        Ok(self.run.settle(after, listed)?.unwrap_or_default())
    }

    fn is_left_out(&self, path: &RelPath) -> bool {
        !self.without.is_empty() && path.ancestors().chain([path.clone()]).any(|at| self.without.contains(&at))
    }

    fn find(&self, path: &RelPath) -> Result<Option<Listed>, RunError> {
        let found = self.run.past.entries(self.revision, std::slice::from_ref(path)).map_err(Trouble::from);
        let Some(mut found) = self.run.settle(path, found)? else { return Ok(None) };
        let entry = found.pop().flatten();
        if entry.is_none() {
            let reason = format!("revision {} has nothing there; `roundsman history` says when it had", self.revision);
            self.run.listener.problem(path, &reason);
        }
        Ok(entry.map(|entry| Listed { path: path.clone(), entry }))
    }

    /// Makes the directories above a path, as they were; those that are there stay as they are.
    fn make_parents(&mut self, path: &RelPath) -> Result<(), RunError> {
        let above: Vec<RelPath> = path.ancestors().filter(|above| !above.is_root()).collect();
        if above.is_empty() {
            return Ok(());
        }
        let found = self.run.past.entries(self.revision, &above).map_err(Trouble::from);
        let Some(found) = self.run.settle(path, found)? else { return Ok(()) };
        for (path, entry) in above.into_iter().zip(found) {
            let Some(entry) = entry else { continue };
            let entered = self.run.enter(&path, &entry, true);
            let outcome = self.run.settle(&path, entered)?;
            // What was there before is not ours to change.
            if outcome != Some(Deed::Unchanged) {
                self.open.push(Open { path, metadata: entry.metadata().clone(), outcome });
            }
        }
        Ok(())
    }

    /// Makes only the directories above a path.
    pub(crate) fn on_the_way(mut self, path: &RelPath) -> Result<(), RunError> {
        self.make_parents(path)?;
        let made = std::mem::take(&mut self.open);
        self.finish(made.into_iter().rev().collect())
    }

    /// Restores one page of the listing.
    fn page(&mut self, entries: Vec<Listed>) -> Result<(), RunError> {
        let (mut files, mut left) = (Vec::new(), Vec::new());
        for Listed { path, entry } in entries {
            while let Some(open) = self.open.pop_if(|open| !path.is_below(&open.path)) {
                left.push(open);
            }
            if self.open.last().is_some_and(|open| open.outcome.is_none()) {
                continue;
            }
            if entry.kind() == Kind::Directory {
                let outcome = self.run.settle(&path, self.run.enter(&path, &entry, false))?;
                self.open.push(Open { path, metadata: entry.metadata().clone(), outcome });
            } else {
                files.push((path, entry));
            }
        }
        self.files(files)?;
        self.finish(left)
    }

    fn files(&self, files: Vec<(RelPath, Entry)>) -> Result<(), RunError> {
        let ending = Ending::default();
        let sizes = files.iter().filter_map(|(_, entry)| entry.content());
        sizes.for_each(|(_, size)| self.run.listener.expects(size));
        self.run.files.for_each(files, |(path, entry)| {
            let (revision, proof) = (self.revision, self.proof);
            let coming = Coming { revision, path: &path, entry: &entry, gives_way: &[], proof };
            ending.unless_set(|| self.run.place_and_tell(&coming));
        });
        ending.result()
    }

    /// Gives directories their metadata that nothing comes to any more, the deepest first.
    fn finish(&self, left: Vec<Open>) -> Result<(), RunError> {
        for Open { path, metadata, outcome } in left {
            let Some(deed) = outcome else { continue };
            let finished = self.run.finish_directory(&path, &metadata, deed);
            if let Some(deed) = self.run.settle(&path, finished)? {
                self.run.listener.did(&path, true, deed);
            }
        }
        Ok(())
    }
}

impl Run<'_> {
    /// Sees to it that a directory is there and can be worked in. `parent` is one that is only on the way: it stays as
    /// it is.
    pub(crate) fn enter(&self, path: &RelPath, entry: &Entry, parent: bool) -> Result<Deed, Trouble> {
        let Some((above, name)) = path.split_last() else { return Ok(Deed::Unchanged) };
        let failed = Trouble::disk(path, "make it");
        let Some(directory) = self.open(&above).map_err(&failed)? else { return Ok(Deed::Created) };
        match look(&*directory, &name, entry, Proof::Bytes).map_err(&failed)? {
            Found::Same(stat) => {
                if !parent {
                    self.make_workable(&*directory, &name, &stat);
                }
                Ok(Deed::Unchanged)
            }
            Found::Vacant => self.make_directory(&*directory, &name).map(|()| Deed::Created).map_err(&failed),
            Found::Different(_) if !self.rules.overwrite => {
                Err(Trouble::left("something that is no directory is there"))
            }
            Found::Different(_) => {
                if !self.rules.dry_run {
                    directory.remove_file(&name).map_err(&failed)?;
                }
                self.make_directory(&*directory, &name).map(|()| Deed::Replaced).map_err(&failed)
            }
        }
    }

    fn make_directory(&self, directory: &dyn Directory, name: &Name) -> std::io::Result<()> {
        if self.rules.dry_run { Ok(()) } else { directory.create_directory(name) }
    }

    /// An earlier run may have finished a directory whose mode shuts out its owner. Its mode is set again in the end;
    /// where this fails, working in it will say why.
    fn make_workable(&self, directory: &dyn Directory, name: &Name, stat: &Stat) {
        if stat.mode & WORKABLE != WORKABLE && !self.rules.dry_run {
            directory.set_mode(name, stat.mode | WORKABLE).unwrap_or_default();
        }
    }

    /// Gives a directory its metadata, after which nothing comes to it any more.
    pub(crate) fn finish_directory(&self, path: &RelPath, wanted: &Metadata, deed: Deed) -> Result<Deed, Trouble> {
        let failed = Trouble::disk(path, "set its mode and times");
        let above = path.split_last();
        let opened = self.open(&above.as_ref().map_or(RelPath::root(), |(above, _)| above.clone()));
        let Some(directory) = opened.map_err(&failed)? else { return Ok(deed) };
        let stat = match &above {
            None => directory.own_stat(),
            Some((_, name)) => directory.stat(name),
        };
        let is_right = match stat {
            Err(_) if self.rules.dry_run => return Ok(deed),
            stat => {
                let stat = stat.map_err(&failed)?;
                // Whose the root itself is, is up to whoever made it.
                let rules = Rules { owners: self.rules.owners && above.is_some(), ..self.rules };
                stat.kind == FileKind::Directory && metadata::is_right(&stat, wanted, rules)
            }
        };
        if is_right {
            return Ok(deed);
        }
        match &above {
            Some((_, name)) => self.set_metadata(&*directory, name, path, wanted)?,
            None if self.rules.dry_run => {}
            None => metadata::set_own(&*directory, wanted).map_err(&failed)?,
        }
        Ok(if deed == Deed::Unchanged { Deed::Metadata } else { deed })
    }
}
