//! What of a plan may be delivered: a plan's file, the receiver's refusals and the brake have their say, in this order.
//!
//! Whatever is set apart takes along what needs its place; everything else goes on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use protocol::{Change, RelPath, Timestamp};
use scanner::{BrakeFacts, HeldWhy, brake, held_digest};
use seams::known::{PostponedKind, Postponement};
use snapshot_db::{Decision, HeldDigest, HeldList, Snapshot, SnapshotError};
use uploader::{Outlook, Unsettled, set_apart};

use super::rules::RoundRules;
use crate::report::HeldChange;

/// How far back the brake looks.
const WINDOW: Duration = Duration::from_hours(24);

/// A plan under its guards.
#[derive(Debug, Default)]
pub(crate) struct Guarded {
    /// What is delivered.
    pub(crate) plan: Vec<Change>,
    /// What waits for a person, and what needs its place.
    pub(crate) held: Vec<HeldChange>,
    /// The changes by which files would end, as a person approves them.
    pub(crate) list: Vec<(Change, u64)>,
    /// Files that changes of the plan end and the brake does not count.
    pub(crate) excused: HashMap<Change, u64>,
    /// What the receiver refused lately, and what needs its place.
    pub(crate) refused: Vec<Change>,
    /// Changes of the plan's file that the plan has not.
    pub(crate) moved_on: Vec<Change>,
    /// How many changes of the plan its file does not name.
    pub(crate) left_alone: u64,
    /// What is in the scratch and may be delivered.
    pub(crate) spilled: Outlook,
    /// Places that are not as planned without what a person did not ask for.
    pub(super) unasked_places: Unsettled,
    /// The same without what the receiver refused lately.
    pub(super) refused_places: Unsettled,
    /// The same without what is held.
    pub(super) held_places: Unsettled,
}

impl Guarded {
    pub(super) fn new(plan: Vec<Change>) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Takes out what a person did not ask for.
    pub(super) fn restrict_to(mut self, only: Option<&HashSet<Change>>) -> Self {
        let Some(only) = only else { return self };
        let planned: HashSet<&Change> = self.plan.iter().collect();
        self.moved_on = only.iter().filter(|change| !planned.contains(change)).cloned().collect();
        let unasked = indices(&self.plan, |change| !only.contains(change));
        let apart = set_apart(self.plan, &unasked);
        self.left_alone = u64::try_from(apart.set_apart.len()).unwrap_or(u64::MAX);
        self.moved_on.extend(apart.dependents);
        self.moved_on.sort_by(|a, b| a.path().cmp(b.path()));
        (self.plan, self.unasked_places) = (apart.kept, apart.unsettled);
        self
    }

    /// Takes out what the receiver refused not long ago.
    pub(super) fn without_refused(mut self, postponed: &BTreeMap<RelPath, Postponement>, now: Timestamp) -> Self {
        let refused = indices(&self.plan, |change| is_refused(postponed, change.path(), now));
        let apart = set_apart(self.plan, &refused);
        self.refused = apart.set_apart.into_iter().chain(apart.dependents).collect();
        (self.plan, self.refused_places) = (apart.kept, apart.unsettled);
        self
    }

    /// Takes out what needs a person's approval.
    pub(super) fn brake(mut self, findings: &[scanner::Finding], rules: &RoundRules, braking: &Braking) -> Self {
        let approved = |change: &Change, files: u64| braking.approved.contains(&(change.clone(), files));
        let braked = brake(&self.plan, findings, &rules.brake, &braking.facts, approved);
        let excused = braked.excused.iter().map(|(index, files)| (self.plan[*index].clone(), *files));
        self.excused = excused.collect();
        self.list = braked.held.iter().map(|(index, held)| (self.plan[*index].clone(), held.files)).collect();
        let why: HashMap<Change, HeldWhy> =
            braked.held.iter().map(|(index, held)| (self.plan[*index].clone(), held.why)).collect();
        let apart = set_apart(self.plan, &braked.held.keys().copied().collect());
        (self.plan, self.held_places) = (apart.kept, apart.unsettled);
        self.held = apart.set_apart.into_iter().map(|change| HeldChange::for_reason(&why, change)).collect();
        self.held.extend(apart.dependents.into_iter().map(HeldChange::needing_place));
        self.held.sort_by(|a, b| a.change.path().cmp(b.change.path()));
        self
    }

    /// The name of the held list; nothing if nothing is held.
    pub(crate) fn digest(&self) -> Option<HeldDigest> {
        (!self.list.is_empty()).then(|| HeldDigest::from_bytes(held_digest(&self.list)))
    }
}

/// Whether the receiver refused something at a path not long ago, so that it is not tried yet.
pub(super) fn is_refused(postponed: &BTreeMap<RelPath, Postponement>, path: &RelPath, now: Timestamp) -> bool {
    postponed.get(path).is_some_and(|postponement| {
        postponement.kind == PostponedKind::Refused && (postponement.last_try..postponement.next_try).contains(&now)
    })
}

fn indices(plan: &[Change], is: impl Fn(&Change) -> bool) -> BTreeSet<usize> {
    (0..plan.len()).filter(|index| is(&plan[*index])).collect()
}

/// What the brake goes by: what was, and what a person approved.
#[derive(Debug)]
pub(super) struct Braking {
    facts: BrakeFacts,
    approved: HashSet<(Change, u64)>,
    lists: Vec<HeldList>,
}

impl Braking {
    /// As the snapshot knows; `ended` is what the receiver counts in its window.
    pub(super) fn of(snapshot: &Snapshot, ended: u64, now: Timestamp) -> Result<Self, SnapshotError> {
        let window = i64::try_from(WINDOW.as_nanos()).expect("a day in nanoseconds fits");
        let facts = BrakeFacts {
            files_at_mirror: snapshot.counts()?.files,
            ended_in_window: ended,
            approved_in_window: snapshot.released_since(now.plus_nanos(-window), now)?,
        };
        let lists = snapshot.held_lists()?;
        let is_approved = |list: &&HeldList| matches!(list.decision, Some((Decision::Approved, _)));
        let approved = lists.iter().filter(is_approved).flat_map(|list| list.changes.iter().cloned()).collect();
        Ok(Self { facts, approved, lists })
    }

    /// Whether a person does not want to be asked about this list any more.
    pub(super) fn is_rejected(&self, digest: &HeldDigest) -> bool {
        let rejected = |list: &&HeldList| matches!(list.decision, Some((Decision::Rejected, _)));
        self.lists.iter().filter(rejected).any(|list| list.digest == *digest)
    }

    /// Makes what is held now the list that a person is asked about. Without any, nobody is asked.
    pub(super) fn hold(&self, snapshot: &Snapshot, guarded: &Guarded, now: Timestamp) -> Result<(), SnapshotError> {
        if let Some(digest) = guarded.digest() {
            return snapshot.hold(&HeldList::new(digest, now, guarded.list.clone()));
        }
        let open = self.lists.iter().filter(|list| !matches!(list.decision, Some((Decision::Approved, _))));
        open.map(|list| &list.digest).try_for_each(|digest| snapshot.drop_held(digest))
    }

    /// The changes of a plan that a person approved.
    pub(super) fn let_go(&self, plan: &[Change]) -> HashSet<Change> {
        let approved: HashSet<&Change> = self.approved.iter().map(|(change, _)| change).collect();
        plan.iter().filter(|change| approved.contains(change)).cloned().collect()
    }

    /// Forgets approvals of which nothing is left to deliver: all of it went, or is not planned any more.
    pub(super) fn forget_approvals(&self, snapshot: &Snapshot, open: &HashSet<Change>) -> Result<(), SnapshotError> {
        let is_done = |list: &&HeldList| {
            matches!(list.decision, Some((Decision::Approved, _)))
                && list.changes.iter().all(|(change, _)| !open.contains(change))
        };
        self.lists.iter().filter(is_done).try_for_each(|list| snapshot.drop_held(&list.digest))
    }
}
