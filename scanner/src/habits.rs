//! What evidence is worth on a file system whose inode numbers or ctimes change by themselves.
//!
//! Some file systems number their files anew with each mount, some renew ctimes. There every round would read every
//! file and find nothing. A file system that does so again and again is known by it, and what changes by itself is no
//! evidence there any more, until a full round looks anew.

use std::collections::BTreeMap;
use std::sync::Mutex;

use protocol::Entry;
use seams::fs::{FilesystemIdentity, Stat};
use seams::known::{FilesystemKey, Habits};
use seams::recorded::{Evidence, Row};

use crate::compare::metadata;
use crate::scan::Rules;

/// Rounds in a row after which inode numbers are no evidence.
const INODE_ROUNDS: u32 = 2;
/// Rounds in a row after which ctimes are no evidence. More than for inodes: only ctime shows an edit that keeps size
/// and mtime, and `chmod` there and back again renews it.
const CTIME_ROUNDS: u32 = 3;
/// With fewer known files nothing is said of a file system.
const ENOUGH_FILES: u64 = 16;

/// Which parts of the evidence count on a file system. Size and mtime always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    pub inode: bool,
    pub ctime: bool,
}

impl Default for Weight {
    fn default() -> Self {
        Self { inode: true, ctime: true }
    }
}

impl Weight {
    /// What counts on a file system with these habits.
    pub(crate) fn of(rules: &Rules, identity: &FilesystemIdentity, habits: Habits) -> Self {
        Self {
            inode: !rules.ignore_inodes && identity.stable_inodes && habits.inode_rounds < INODE_ROUNDS,
            ctime: !rules.ignore_ctimes && habits.ctime_rounds < CTIME_ROUNDS,
        }
    }

    fn only_inode_differs(self, old: &Evidence, new: &Evidence) -> bool {
        let rest_holds = (old.size, old.mtime) == (new.size, new.mtime) && (!self.ctime || old.ctime == new.ctime);
        rest_holds && old.inode != new.inode
    }

    fn only_ctime_differs(self, old: &Evidence, new: &Evidence) -> bool {
        let rest_holds = (old.size, old.mtime) == (new.size, new.mtime) && (!self.inode || old.inode == new.inode);
        rest_holds && old.ctime != new.ctime
    }
}

/// How the known files of a file system came along in this round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Files that were read before and could be compared.
    pub known: u64,
    /// Of those, with another inode, and all else of their evidence and their bytes the same.
    pub renumbered: u64,
    /// Of those, with another ctime, and all else of their evidence, their metadata and their bytes the same.
    pub restamped: u64,
}

impl Tally {
    /// One more known file, whose evidence holds.
    pub(crate) fn unchanged(&mut self) {
        self.known += 1;
    }

    /// One more known file, that was read: whether its bytes are the same, and what stat says now.
    pub(crate) fn read(&mut self, weight: Weight, row: &Row, same_bytes: bool, now: &Stat) {
        let Some(old) = row.reading.as_ref().map(|reading| reading.evidence) else { return };
        let new = Evidence::from(now);
        self.known += 1;
        self.renumbered += u64::from(same_bytes && weight.only_inode_differs(&old, &new));
        self.restamped += u64::from(same_bytes && weight.only_ctime_differs(&old, &new) && keeps_metadata(row, now));
    }

    fn add(&mut self, more: Self) {
        self.known += more.known;
        self.renumbered += more.renumbered;
        self.restamped += more.restamped;
    }

    /// The habits after this round. What is no evidence any more stays so: its files are not read, which proves nothing.
    fn next(self, before: Habits) -> Habits {
        if self.known < ENOUGH_FILES {
            return before;
        }
        let next = |rounds: u32, limit: u32, moved: u64| match rounds {
            known if known >= limit => known,
            _ if moved >= ENOUGH_FILES && moved > self.known / 2 => rounds + 1,
            _ => 0,
        };
        Habits {
            inode_rounds: next(before.inode_rounds, INODE_ROUNDS, self.renumbered),
            ctime_rounds: next(before.ctime_rounds, CTIME_ROUNDS, self.restamped),
        }
    }
}

/// Whether the mirror has the same mode and owner, so that none of these changes gave the file its ctime.
fn keeps_metadata(row: &Row, now: &Stat) -> bool {
    matches!(&row.acknowledged, Some(Entry::File { metadata: known, .. }) if *known == metadata(now))
}

/// The tallies of one round, by file system.
#[derive(Debug, Default)]
pub(crate) struct Observed(Mutex<BTreeMap<FilesystemKey, Tally>>);

impl Observed {
    /// One directory's files.
    pub(crate) fn add(&self, filesystem: FilesystemKey, tally: Tally) {
        self.0.lock().expect("no holder of this lock panics").entry(filesystem).or_default().add(tally);
    }

    /// The habits that changed. A full round has read everything, and begins to count anew.
    pub(crate) fn learned(
        self,
        before: &BTreeMap<FilesystemKey, Habits>,
        full: bool,
    ) -> BTreeMap<FilesystemKey, Habits> {
        let tallies = self.0.into_inner().expect("every thread has ended without panic");
        let next = |(key, tally): (FilesystemKey, Tally)| {
            let before = before.get(&key).copied().unwrap_or_default();
            let now = if full { Habits::default() } else { tally.next(before) };
            (now != before).then_some((key, now))
        };
        tallies.into_iter().filter_map(next).collect()
    }
}

#[cfg(test)]
#[path = "habits_tests.rs"]
mod tests;
