//! [`batches()`]: a plan, cut into what the receiver applies as a whole or not at all. Pure.
//!
//! The plan is one set of changes on one base. Each batch is a set on the tree that the batches before it made; every
//! prefix makes a valid tree, all of them together the tree of the plan. Paths where something leaves are named as
//! they are called by then: below a directory that an earlier batch moved, by its new place.

use std::collections::HashMap;

use protocol::limits::{MAX_BATCH_CHANGES, TARGET_BATCH_BYTES, TARGET_BATCH_CHANGES, TARGET_REQUEST_BYTES};
use protocol::wire::Limits;
use protocol::{Change, ChangeKind, Kind, RelPath, canonical_batch};

use crate::Entangled;
use crate::circles::units;
use crate::entangled::{Analysis, Unit, taken_apart};

/// How large batches become. The targets may be passed by what must stay together, `max_changes` never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Changes in a batch.
    pub changes: usize,
    /// Bytes of new contents in a batch.
    pub content_bytes: u64,
    /// Bytes of encoded changes in a batch.
    pub request_bytes: usize,
    /// Most changes in a batch.
    pub max_changes: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            changes: TARGET_BATCH_CHANGES,
            content_bytes: TARGET_BATCH_BYTES,
            request_bytes: TARGET_REQUEST_BYTES,
            max_changes: MAX_BATCH_CHANGES,
        }
    }
}

impl Sizes {
    /// The same, where the receiver takes less.
    #[must_use]
    pub fn within(limits: &Limits) -> Self {
        let most = usize::try_from(limits.batch_changes).unwrap_or(usize::MAX).clamp(1, MAX_BATCH_CHANGES);
        Self { changes: TARGET_BATCH_CHANGES.min(most), max_changes: most, ..Self::default() }
    }
}

/// Cuts a plan into batches. Without changes there are none.
///
/// Moves come first with whatever they need, then what is new or changed in path order, then metadata alone, then
/// deletes. A circle of moves that is larger than a batch is delivered as creates and deletes, where that can be.
///
/// # Errors
/// A circle that cannot be taken apart here: one of more than `max_changes` directories.
pub fn batches(plan: Vec<Change>, sizes: &Sizes) -> Result<Vec<Vec<Change>>, Entangled> {
    let (plan, units) = cut(plan, sizes)?;
    Ok(Filler::new(plan, sizes).fill(units))
}

/// The batches of a plan in two parts, between which comes what was planned one by one ([`in_order`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parted {
    /// What comes first.
    pub before: Vec<Vec<Change>>,
    /// Deletes that nothing waits for: whatever else is delivered comes before them.
    pub after: Vec<Vec<Change>>,
}

/// Cuts a plan into batches, with room for what was planned one by one.
///
/// # Errors
/// As [`batches`].
pub fn parted(plan: Vec<Change>, sizes: &Sizes) -> Result<Parted, Entangled> {
    let (plan, mut units) = cut(plan, sizes)?;
    let deletes = |unit: &Unit| unit.iter().all(|index| plan[*index].kind() == ChangeKind::Delete);
    let first = units.iter().rposition(|unit| !deletes(unit)).map_or(0, |last| last + 1);
    let last = units.split_off(first);
    let mut filler = Filler::new(plan, sizes);
    Ok(Parted { before: filler.fill(units), after: filler.fill(last) })
}

/// Changes that need nothing but what comes before them, in batches as they come.
pub fn in_order(changes: impl Iterator<Item = Change>, sizes: &Sizes) -> impl Iterator<Item = Vec<Change>> {
    let mut changes = changes.peekable();
    std::iter::from_fn(move || {
        let mut batch = vec![changes.next()?];
        let mut full = Weight::of_one(&batch[0]);
        while let Some(change) = changes.next_if(|change| full.plus(Weight::of_one(change)).fits(sizes)) {
            full = full.plus(Weight::of_one(&change));
            batch.push(change);
        }
        Some(batch)
    })
}

/// A plan that can be cut, and what of it must stay together, needed things first.
fn cut(mut plan: Vec<Change>, sizes: &Sizes) -> Result<(Vec<Change>, Vec<Unit>), Entangled> {
    loop {
        let analysis = Analysis::of(&plan);
        let units = units(&analysis.needs, by_preference(&plan).into_iter());
        let too_large: Vec<&Unit> = units.iter().filter(|unit| unit.len() > sizes.max_changes).collect();
        let Some(first) = too_large.first() else {
            return Ok((plan, units));
        };
        let entangled = Entangled { changes: first.len() };
        // All at once: a plan may hold as many circles as changes.
        plan = taken_apart(&plan, &analysis, &too_large).ok_or(entangled)?;
    }
}

/// The order in which changes are taken, as far as their needs allow.
fn by_preference(plan: &[Change]) -> Vec<usize> {
    let rank = |change: &Change| match change.kind() {
        ChangeKind::Move => 0,
        ChangeKind::Create | ChangeKind::Modify | ChangeKind::Replace => 1,
        ChangeKind::Metadata => 2,
        ChangeKind::Delete => 3,
    };
    let mut order: Vec<usize> = (0..plan.len()).collect();
    order.sort_by_key(|index| (rank(&plan[*index]), plan[*index].path()));
    order
}

/// What changes weigh against the sizes.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    changes: usize,
    content_bytes: u64,
    request_bytes: usize,
}

impl Weight {
    fn of(unit: &Unit, plan: &[Option<Change>]) -> Self {
        let changes = unit.iter().filter_map(|index| plan[*index].as_ref());
        changes.map(Self::of_one).fold(Self::default(), Self::plus)
    }

    fn of_one(change: &Change) -> Self {
        let request_bytes = canonical_batch(std::slice::from_ref(change)).len();
        Self { changes: 1, content_bytes: new_bytes(change), request_bytes }
    }

    fn plus(self, more: Self) -> Self {
        Self {
            changes: self.changes + more.changes,
            content_bytes: self.content_bytes.saturating_add(more.content_bytes),
            request_bytes: self.request_bytes + more.request_bytes,
        }
    }

    fn fits(self, sizes: &Sizes) -> bool {
        self.changes <= sizes.changes.min(sizes.max_changes)
            && self.content_bytes <= sizes.content_bytes
            && self.request_bytes <= sizes.request_bytes
    }
}

/// Bytes that may have to be sent for a change. What moves is mostly there already.
fn new_bytes(change: &Change) -> u64 {
    match change {
        Change::Create { entry, .. } | Change::Modify { entry, .. } | Change::Replace { entry, .. } => {
            entry.content().map_or(0, |(_, size)| size)
        }
        Change::Move { .. } | Change::Metadata { .. } | Change::Delete { .. } => 0,
    }
}

/// Fills batches with the units of a plan.
struct Filler<'s> {
    plan: Vec<Option<Change>>,
    sizes: &'s Sizes,
    moved: Moved,
}

impl<'s> Filler<'s> {
    fn new(plan: Vec<Change>, sizes: &'s Sizes) -> Self {
        Self { plan: plan.into_iter().map(Some).collect(), sizes, moved: Moved::default() }
    }

    /// The next units in their order, as many to a batch as fit.
    fn fill(&mut self, units: Vec<Unit>) -> Vec<Vec<Change>> {
        let mut batches: Vec<Vec<Change>> = Vec::new();
        let mut full = Weight::default();
        for unit in units {
            let weight = Weight::of(&unit, &self.plan);
            full = full.plus(weight);
            if batches.is_empty() || !full.fits(self.sizes) {
                self.moved.begin_batch();
                batches.push(Vec::new());
                full = weight;
            }
            let batch = batches.last_mut().expect("one was pushed just above");
            for index in unit {
                batch.extend(self.plan[index].take().map(|change| self.moved.rename(change)));
            }
        }
        batches
    }
}

/// Where directories went in earlier batches, by their places in the base.
#[derive(Debug, Default)]
struct Moved {
    by_base: HashMap<RelPath, RelPath>,
    /// Those of the batch being filled: they count from the next one on.
    filling: Vec<(RelPath, RelPath)>,
}

impl Moved {
    fn begin_batch(&mut self) {
        self.by_base.extend(self.filling.drain(..));
    }

    /// A change with the name that what it takes away has at the beginning of the batch being filled.
    fn rename(&mut self, change: Change) -> Change {
        match change {
            Change::Delete { path } => Change::Delete { path: self.name(path) },
            Change::Move { from, to, entry } => {
                if entry.kind() == Kind::Directory {
                    self.filling.push((from.clone(), to.clone()));
                }
                Change::Move { from: self.name(from), to, entry }
            }
            stays => stays,
        }
    }

    fn name(&self, base: RelPath) -> RelPath {
        if self.by_base.is_empty() {
            return base;
        }
        let mut above = base.parent();
        while let Some(directory) = above {
            let moved = self.by_base.get(&directory).and_then(|to| base.rebased(&directory, to));
            if let Some(name) = moved {
                return name;
            }
            above = directory.parent();
        }
        base
    }
}

#[cfg(test)]
#[path = "batches_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "batches_laws.rs"]
mod laws;
