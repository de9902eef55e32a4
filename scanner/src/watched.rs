//! [`Watched`]: what a directory looked like when it was listed, to see later whether it moved about since.
//!
//! A file that is moved during a walk, from a directory not listed yet into one that was, is seen nowhere. Only if no
//! directory changed between its listing and one later moment common to all, the listings together show the source as
//! it was at that moment, and what none of them names was nowhere.

use std::io;
use std::sync::Arc;

use protocol::RelPath;
use seams::fs::{Directory, Stat, open_by_components};
use seams::recorded::{Evidence, Moment, Trust};

use crate::open_directories::OpenDirectory;
use crate::past::Past;
use crate::trust::{Stamps, trust};

/// A directory that was listed to its end.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub path: RelPath,
    /// What the snapshot has of it.
    pub past: Past,
    device: u64,
    /// What its stat said before it was listed.
    evidence: Evidence,
    /// When it said so first.
    first_seen: Moment,
    /// Whether each later change shows in its stamps.
    proven: bool,
}

/// What became of a directory since it was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// It is as it was listed.
    Unchanged,
    /// It looks the same, but was listed too soon after its last change for its stamps to prove that.
    Unproven,
    /// It has changed.
    Changed,
    /// It is not there any more, or another directory is.
    Elsewhere,
}

impl Watched {
    /// A directory that was listed; `earlier` is what it looked like at an earlier listing.
    pub(crate) fn new(directory: &OpenDirectory, earlier: Option<&Self>) -> Self {
        let (start, stamps) = (directory.opened, directory.stamps);
        let evidence = Evidence::from(&directory.stat);
        let same = earlier.filter(|earlier| stamps.agree(&earlier.evidence, &evidence));
        let first_seen = same.map_or(start.moment, |earlier| earlier.first_seen);
        Self {
            path: directory.path.clone(),
            past: directory.past.clone(),
            device: directory.stat.device,
            evidence,
            first_seen,
            proven: trust(&evidence, first_seen, start, stamps) != Trust::Unproven,
        }
    }

    /// Whether this stat is of the same directory.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        (self.device, self.evidence.inode) == (stat.device, stat.inode)
    }

    /// The device it is on.
    pub(crate) fn device(&self) -> u64 {
        self.device
    }

    /// Its listing is not to be relied on, whatever its stamps say.
    pub(crate) fn distrust(&mut self) {
        self.proven = false;
    }

    /// Looks at it again.
    ///
    /// # Errors
    /// Where it cannot be looked at.
    pub(crate) fn since(&self, root: &Arc<dyn Directory>, stamps: Stamps) -> io::Result<Since> {
        let stat = match open_by_components(root, &self.path).and_then(|directory| directory.own_stat()) {
            Ok(stat) => stat,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Since::Elsewhere),
            Err(error) => return Err(error),
        };
        Ok(match stamps.agree(&self.evidence, &Evidence::from(&stat)) {
            _ if !self.is(&stat) => Since::Elsewhere,
            false => Since::Changed,
            true if self.proven => Since::Unchanged,
            true => Since::Unproven,
        })
    }
}
