//! The brake: changes that would end more files at the mirror than their owner allows are held. Pure.
//!
//! A file **ends** when the mirror does not have it any more, under any name: deleted, gone with its directory, replaced
//! by another kind of thing, or overwritten by one that moved over it. The receiver counts the same of each batch
//! without knowing why: `files before - files after + files that arrive new`; [`endings`] sums up to that.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Change, Entry, RelPath};
use thiserror::Error;

use crate::ended::{Ended, counted, ended};
use crate::finding::Finding;
use crate::limit::Limit;

/// How much may happen before a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrakeRules {
    /// How many files may end, in a round and the 24 hours before it.
    pub max_delete: Limit,
    /// How many known files may change their content in one round.
    pub max_overwrite: Option<Limit>,
    /// Whether content that changed although its evidence says that it cannot have is held.
    pub hold_silent: bool,
}

impl Default for BrakeRules {
    fn default() -> Self {
        Self { max_delete: Limit::HALF, max_overwrite: None, hold_silent: false }
    }
}

/// What the brake has to know of the mirror.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BrakeFacts {
    /// Files in the mirror now.
    pub files_at_mirror: u64,
    /// Files that ended by the mirror's revisions of the last 24 hours, as the receiver counts.
    pub ended_in_window: u64,
    /// How many of these do not matter: a person approved them, or they were [`Braked::excused`].
    pub approved_in_window: u64,
}

/// What the brake says of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Braked {
    /// The changes to be held, by their places in the plan.
    pub held: BTreeMap<usize, Held>,
    /// Files that the receiver will count as ended by a change that is let go, and the brake does not, by the change's
    /// place in the plan: those that a person approved, and empty files that came again elsewhere. Whoever delivers
    /// such a change adds them to [`BrakeFacts::approved_in_window`] for the next 24 hours.
    pub excused: BTreeMap<usize, u64>,
}

/// A change that waits until a person has approved it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// How many files it would end.
    pub files: u64,
    /// Why it is held.
    pub why: HeldWhy,
}

/// Why a change is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeldWhy {
    /// Too many files would end.
    #[error(
        "{here} files would cease to exist at the mirror and {before} did in the last 24 hours; max_delete = {limit} \
         allows {allowed}"
    )]
    Deletes {
        /// In this round, if all of it were delivered.
        here: u64,
        /// In the 24 hours before it.
        before: u64,
        /// What was configured.
        limit: Limit,
        /// How many files that is for this mirror.
        allowed: u64,
    },
    /// Too many known files changed their content.
    #[error("{here} known files changed their content in this round; max_overwrite = {limit} allows {allowed}")]
    Overwrites {
        /// In this round.
        here: u64,
        /// What was configured.
        limit: Limit,
        /// How many files that is for this mirror.
        allowed: u64,
    },
    /// The content changed, and nothing else did.
    #[error("its content changed although size, times and inode did not; hold_silent = true")]
    Silent,
}

/// How many files each change ends, by its place in the plan; changes that end none are left out.
#[must_use]
pub fn endings(changes: &[Change], findings: &[Finding]) -> BTreeMap<usize, u64> {
    by_change(&ended(changes, findings))
}

/// Says which changes of a plan are held. `approved` tells which a person let go, given the change and how many files
/// it ends: these are neither held nor counted.
#[must_use]
pub fn brake(
    changes: &[Change],
    findings: &[Finding],
    rules: &BrakeRules,
    facts: &BrakeFacts,
    approved: impl Fn(&Change, u64) -> bool,
) -> Braked {
    let ended = ended(changes, findings);
    let files = by_change(&counted(&ended, changes));
    let is_asked = |index: &usize| !approved(&changes[*index], files.get(index).copied().unwrap_or(0));
    let asked = (0..changes.len()).filter(is_asked).collect();
    let question = Question { changes, findings, asked, files };
    let held = question.held(rules, facts);
    Braked { excused: question.excused(&by_change(&ended), &held), held }
}

/// A plan, and what of it may be held.
struct Question<'a> {
    changes: &'a [Change],
    findings: &'a [Finding],
    /// The changes that nobody approved.
    asked: BTreeSet<usize>,
    /// How many files that count each change ends; changes that end none are left out.
    files: BTreeMap<usize, u64>,
}

impl Question<'_> {
    fn files_of(&self, index: usize) -> u64 {
        self.files.get(&index).copied().unwrap_or(0)
    }

    fn pick(&self, is: impl Fn(usize) -> bool) -> BTreeSet<usize> {
        self.asked.iter().copied().filter(|index| is(*index)).collect()
    }

    /// Of several reasons to hold a change the first counts.
    fn held(&self, rules: &BrakeRules, facts: &BrakeFacts) -> BTreeMap<usize, Held> {
        let deletes = self.pick(|index| self.files.contains_key(&index));
        let overwrites = self.pick(|index| overwrites(&self.changes[index]));
        let silent = silent_paths(self.findings);
        let silent = self.pick(|index| rules.hold_silent && silent.contains(self.changes[index].path()));
        let ended = deletes.iter().map(|index| self.files_of(*index)).sum();
        let overwritten = u64::try_from(overwrites.len()).expect("a plan's length fits");
        let reasons = [
            (too_many_deletes(ended, rules, facts), deletes),
            (too_many_overwrites(overwritten, rules, facts), overwrites),
            (Some(HeldWhy::Silent), silent),
        ];
        let mut held = BTreeMap::new();
        for (why, changes) in reasons.into_iter().filter_map(|(why, changes)| Some((why?, changes))) {
            for index in changes {
                held.entry(index).or_insert(Held { files: self.files_of(index), why });
            }
        }
        held
    }

    /// Of the files that the receiver will count, those that do not count here.
    fn excused(&self, ended: &BTreeMap<usize, u64>, held: &BTreeMap<usize, Held>) -> BTreeMap<usize, u64> {
        let counts = |index: usize| if self.asked.contains(&index) { self.files_of(index) } else { 0 };
        let excused = |(index, files): (&usize, &u64)| (*index, files - counts(*index));
        let let_go = ended.iter().filter(|(index, _)| !held.contains_key(index));
        let_go.map(excused).filter(|(_, files)| *files > 0).collect()
    }
}

fn by_change(ended: &[Ended<'_>]) -> BTreeMap<usize, u64> {
    let mut files = BTreeMap::new();
    for file in ended {
        *files.entry(file.by).or_default() += 1;
    }
    files
}

fn overwrites(change: &Change) -> bool {
    matches!(change, Change::Modify { entry: Entry::File { .. }, .. })
}

fn silent_paths(findings: &[Finding]) -> BTreeSet<&RelPath> {
    let silent = findings.iter().filter(|finding| matches!(finding, Finding::Present { silent: true, .. }));
    silent.map(Finding::path).collect()
}

fn too_many_deletes(here: u64, rules: &BrakeRules, facts: &BrakeFacts) -> Option<HeldWhy> {
    let limit = rules.max_delete;
    let before = facts.ended_in_window.saturating_sub(facts.approved_in_window);
    // The share is of what there was when the window began; what a person approved was there, too.
    let allowed = limit.of(facts.files_at_mirror.saturating_add(facts.ended_in_window));
    (before.saturating_add(here) > allowed).then_some(HeldWhy::Deletes { here, before, limit, allowed })
}

fn too_many_overwrites(here: u64, rules: &BrakeRules, facts: &BrakeFacts) -> Option<HeldWhy> {
    let limit = rules.max_overwrite?;
    let allowed = limit.of(facts.files_at_mirror);
    (here > allowed).then_some(HeldWhy::Overwrites { here, limit, allowed })
}

/// The name by which a person approves a list of held changes, each with the number of files it ends: BLAKE3 of a CBOR
/// array of `[change, files]`, each in deterministic CBOR, sorted by their bytes. The order of the list is not part
/// of it.
#[must_use]
pub fn held_digest(held: &[(Change, u64)]) -> [u8; 32] {
    let encode = |item: &(Change, u64)| minicbor::to_vec(item).expect("encoding to memory cannot fail");
    let mut items: Vec<Vec<u8>> = held.iter().map(encode).collect();
    items.sort_unstable();
    let mut list = minicbor::Encoder::new(Vec::new());
    list.array(u64::try_from(items.len()).expect("a list's length fits")).expect("encoding to memory cannot fail");
    let mut hasher = blake3::Hasher::new();
    hasher.update(&list.into_writer());
    for item in items {
        hasher.update(&item);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
#[path = "brake_tests.rs"]
mod tests;
