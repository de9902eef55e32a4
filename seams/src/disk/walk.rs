//! [`DiskWalk`]: candidate names of a whole subtree, by walkdir.
//!
//! walkdir looks everything up by path, so that whoever swaps a directory for a symlink meanwhile can make it list
//! names that lie elsewhere. Nothing comes of it: its names are candidates only, and each is looked at, opened and
//! listed again relative to held descriptors before anything is believed.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use protocol::{InvalidName, Name};
use rustix::fs::{AtFlags, CWD, Stat, fstat, statat};
use rustix::io::Errno;
use walkdir::{DirEntry, IntoIter, WalkDir};

use crate::fs::{Step, Walk};

/// Longest path that a walk begins with, in bytes: below a longer one walkdir would not get far.
const MAX_START_BYTES: usize = 3_000;

/// Longest path of a directory that walkdir is left to open, in bytes; `PATH_MAX` is not far.
const MAX_REACH_BYTES: usize = 3_900;

/// Listings that a walk holds open at once. What is left of older ones is read into memory by walkdir.
const MAX_OPEN_LISTINGS: usize = 16;

/// A walk below `directory`, by its path where that still leads there and leaves room below it.
pub(super) fn below(directory: BorrowedFd<'_>, path: Option<&Path>) -> Box<dyn Walk> {
    match begin(directory, path) {
        Ok(walk) => Box::new(walk),
        Err(error) => Box::new(Failed(Some(error))),
    }
}

fn begin(directory: BorrowedFd<'_>, path: Option<&Path>) -> io::Result<DiskWalk> {
    let held = fstat(directory)?;
    if held.st_nlink == 0 {
        // The standard library takes the error of listing a removed directory for the end of the listing.
        return Err(Errno::NOENT.into());
    }
    if let Some(path) = path.filter(|path| length(path) <= MAX_START_BYTES && leads_to(path, &held)) {
        return Ok(DiskWalk::begin(path, None));
    }
    let held = directory.try_clone_to_owned()?;
    let path = format!("/proc/self/fd/{}", held.as_raw_fd());
    Ok(DiskWalk::begin(Path::new(&path), Some(held)))
}

/// A name that a file system lists and that nothing can be called on Linux, or is longer than we carry.
pub(super) fn unusable_name(why: InvalidName) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

fn length(path: &Path) -> usize {
    path.as_os_str().len()
}

fn leads_to(path: &Path, held: &Stat) -> bool {
    statat(CWD, path, AtFlags::empty()).is_ok_and(|found| (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino))
}

/// A walk by walkdir.
struct DiskWalk {
    entries: IntoIter,
    /// The directory that was just named and that walkdir lists next, unless it is skipped.
    entered: Option<PathBuf>,
    /// What `/proc/self/fd/N` leads to, for as long as the walk goes through it.
    _held: Option<OwnedFd>,
}

impl DiskWalk {
    fn begin(start: &Path, held: Option<OwnedFd>) -> Self {
        let entries = WalkDir::new(start).min_depth(1).follow_links(false).max_open(MAX_OPEN_LISTINGS).into_iter();
        Self { entries, entered: None, _held: held }
    }

    fn named(&mut self, entry: DirEntry) -> Step {
        let depth = entry.depth();
        let name = Name::parse(entry.file_name().as_bytes());
        let is_directory = entry.file_type().is_dir();
        let too_deep = is_directory && length(entry.path()) > MAX_REACH_BYTES;
        self.entered = is_directory.then(|| entry.into_path());
        if too_deep || name.is_err() {
            self.skip_directory();
        }
        match name {
            Ok(name) => Step::Name { depth, name, descends: is_directory && !too_deep, too_deep },
            Err(error) => Step::Incomplete { depth: depth - 1, error: unusable_name(error) },
        }
    }
}

impl Walk for DiskWalk {
    fn next_step(&mut self) -> Option<Step> {
        let entered = self.entered.take();
        Some(match self.entries.next()? {
            Ok(entry) => self.named(entry),
            Err(error) => match Blame::of(error.depth(), error.path(), entered.as_deref()) {
                Blame::Listing { depth } => Step::Incomplete { depth, error: io_error(error) },
                Blame::Entry { depth, name } => Step::Name { depth, name, descends: false, too_deep: false },
            },
        })
    }

    fn skip_directory(&mut self) {
        if self.entered.take().is_some() {
            self.entries.skip_current_dir();
        }
    }
}

/// What an error of walkdir is about.
#[derive(Debug, PartialEq, Eq)]
enum Blame {
    /// The listing of a directory at this depth.
    Listing { depth: usize },
    /// One name, of which only the kind could not be learned. That is for the caller to find out, as with any.
    Entry { depth: usize, name: Name },
}

impl Blame {
    /// walkdir 2.5 knows three errors when it follows no links:
    /// - a directory cannot be opened: its own path and depth, directly after the directory itself was named, or
    ///   depth 0 for the one where the walk begins;
    /// - the kind of an entry cannot be learned: the entry's path and depth;
    /// - a listing breaks off: no path, and the depth that its next entry would have had.
    fn of(depth: usize, path: Option<&Path>, entered: Option<&Path>) -> Self {
        let Some(path) = path else {
            return Self::Listing { depth: depth.saturating_sub(1) };
        };
        if depth == 0 || entered == Some(path) {
            return Self::Listing { depth };
        }
        match path.file_name().map(OsStr::as_bytes).map(Name::parse) {
            Some(Ok(name)) => Self::Entry { depth, name },
            _ => Self::Listing { depth: depth - 1 },
        }
    }
}

fn io_error(error: walkdir::Error) -> io::Error {
    let text = error.to_string();
    error.into_io_error().unwrap_or_else(|| io::Error::other(text))
}

/// A walk that could not even begin.
struct Failed(Option<io::Error>);

impl Walk for Failed {
    fn next_step(&mut self) -> Option<Step> {
        self.0.take().map(|error| Step::Incomplete { depth: 0, error })
    }

    fn skip_directory(&mut self) {}
}

#[cfg(test)]
#[path = "walk_tests.rs"]
mod tests;
