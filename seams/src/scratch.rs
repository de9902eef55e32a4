//! [`Scratch`]: where a round keeps what it found past what fits in memory, until it is delivered and told.
//!
//! Only [`Plain`] findings go there: those of which nothing else in the round can depend, and which depend on nothing
//! but their directories. So they can be put down one by one, and read back in the order of their paths.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::{Entry, RelPath};

/// So many findings are read back at a time.
pub const PAGE: usize = 4_096;

/// Something at its own path that is new there, or has other metadata than the mirror has, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Where; never the root.
    pub path: RelPath,
    /// What the mirror has there, alike but for its metadata; nothing for what is new.
    pub was: Option<Entry>,
    /// What is there.
    pub now: Entry,
    /// The inode that was last recorded there.
    pub old_inode: Option<u64>,
    /// The inode that is there.
    pub inode: u64,
}

/// Keeps plain findings, one a path, for the time of one round.
pub trait Scratch: Debug + Send + Sync {
    /// Adds findings, in any order. One of a path that is there already takes its place.
    ///
    /// # Errors
    /// Where they cannot be kept, such as on a full disk; that ends the round. So for all that follow.
    fn put(&self, findings: Vec<Plain>) -> io::Result<()>;

    /// The next findings after a path, or the first, sorted by path: [`PAGE`] of them at most, none only at the end.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn page(&self, after: Option<&RelPath>) -> io::Result<Vec<Plain>>;

    /// Takes those out that are at these paths, and gives them.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn take(&self, paths: &[RelPath]) -> io::Result<Vec<Plain>>;
}

/// All findings of a scratch, sorted by path, read in pages. What is put or taken at or before the present one
/// meanwhile does not matter.
#[derive(Debug)]
pub struct Pages<'a> {
    scratch: &'a dyn Scratch,
    page: std::vec::IntoIter<Plain>,
    last: Option<RelPath>,
    ended: bool,
}

impl<'a> Pages<'a> {
    /// From the first one on.
    #[must_use]
    pub fn of(scratch: &'a dyn Scratch) -> Self {
        Self::after(scratch, None)
    }

    /// Those after a path.
    #[must_use]
    pub fn after(scratch: &'a dyn Scratch, path: Option<RelPath>) -> Self {
        Self { scratch, page: Vec::new().into_iter(), last: path, ended: false }
    }

    fn turn(&mut self) -> io::Result<()> {
        let page = self.scratch.page(self.last.as_ref())?;
        self.ended = page.is_empty();
        self.last = page.last().map(|last| last.path.clone());
        self.page = page.into_iter();
        Ok(())
    }
}

impl Iterator for Pages<'_> {
    type Item = io::Result<Plain>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.as_slice().is_empty()
            && !self.ended
            && let Err(error) = self.turn()
        {
            self.ended = true;
            return Some(Err(error));
        }
        self.page.next().map(Ok)
    }
}

/// Takes out all findings that are `wanted`, and hands each to `taken`.
///
/// # Errors
/// As [`Scratch::put`].
pub fn take_where(
    scratch: &dyn Scratch,
    mut wanted: impl FnMut(&Plain) -> bool,
    mut taken: impl FnMut(Plain),
) -> io::Result<()> {
    let mut pages = Pages::of(scratch);
    loop {
        pages.turn()?;
        if pages.ended {
            return Ok(());
        }
        let paths: Vec<RelPath> = pages.page.by_ref().filter(&mut wanted).map(|plain| plain.path).collect();
        scratch.take(&paths)?.into_iter().for_each(&mut taken);
    }
}

/// Keeps them in memory: for tests, and wherever no more come than fit.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<RelPath, Plain>>);

impl InMemory {
    /// Sound also after a panic of a holder: each change is made in one step.
    fn findings(&self) -> MutexGuard<'_, BTreeMap<RelPath, Plain>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scratch for InMemory {
    fn put(&self, findings: Vec<Plain>) -> io::Result<()> {
        self.findings().extend(findings.into_iter().map(|finding| (finding.path.clone(), finding)));
        Ok(())
    }

    fn page(&self, after: Option<&RelPath>) -> io::Result<Vec<Plain>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.findings().range((from, Bound::Unbounded)).take(PAGE).map(|(_, finding)| finding.clone()).collect())
    }

    fn take(&self, paths: &[RelPath]) -> io::Result<Vec<Plain>> {
        let mut findings = self.findings();
        Ok(paths.iter().filter_map(|path| findings.remove(path)).collect())
    }
}
