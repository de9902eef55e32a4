//! What of a plan must come before what, and what can only come together: pure.
//!
//! A plan is one set of changes on one base. To cut it into batches, each change gets the list of those that must be
//! applied **before it or with it**. What waits for each other in a circle (a swap, a cycle, a child that takes its
//! parent's place) is one [`Unit`]. The rules, each from the meaning of a set (`protocol::Tree::apply`):
//!
//! 1. What is made, moved or changed at a path needs the nearest directory above it that arrives in the plan. Then
//!    the path means at that moment what it means in the result.
//! 2. What arrives at a path needs what is there now to have left.
//! 3. A directory that goes (deleted, or replaced by another kind) needs everything out of it that stays elsewhere.
//!
//! What leaves needs nothing by its path: it is found by the name it has by then (see `batches`).

use std::collections::{BTreeMap, HashMap};

use protocol::{Change, Kind, RelPath};
use thiserror::Error;

/// Directories that move in one circle larger than a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{changes} changes cannot be made apart from each other; plan the moves among them as delete and create")]
pub struct Entangled {
    /// How many changes the circle holds.
    pub changes: usize,
}

/// Changes that can only come together, by their places in the plan.
pub(crate) type Unit = Vec<usize>;

/// A plan with its needs.
#[derive(Debug)]
pub(crate) struct Analysis<'a> {
    plan: &'a [Change],
    /// What each change needs before it or with it.
    pub(crate) needs: Vec<Vec<usize>>,
    /// What leaves a place of the base, by that place.
    leaving: HashMap<&'a RelPath, usize>,
    /// Where in the base the place lies at which each change arrives; nothing below what is new.
    origin: Vec<Option<RelPath>>,
    /// The deleted or replaced directory out of which each change takes something.
    container: Vec<Option<usize>>,
}

impl<'a> Analysis<'a> {
    pub(crate) fn of(plan: &'a [Change]) -> Self {
        let nothing = || vec![None; plan.len()];
        let leaving = (0..).zip(plan).filter_map(|(index, change)| Some((leaves(change)?, index))).collect();
        let needs = vec![Vec::new(); plan.len()];
        let mut analysis = Self { plan, needs, leaving, origin: nothing(), container: vec![None; plan.len()] };
        analysis.need_what_lies_above();
        analysis.need_a_free_place();
        analysis.need_out_what_stays();
        analysis
    }

    /// Rule 1, by one pass in path order: a stack holds what arrives above the present path.
    fn need_what_lies_above(&mut self) {
        let mut order: Vec<usize> = (0..self.plan.len()).filter(|index| !is_delete(&self.plan[*index])).collect();
        order.sort_by_key(|index| self.plan[*index].path());
        let mut above: Vec<usize> = Vec::new();
        for index in order {
            let path = self.plan[index].path();
            while above.pop_if(|top| !path.is_below(self.plan[*top].path())).is_some() {}
            self.origin[index] = match above.last().map(|top| &self.plan[*top]) {
                None => Some(path.clone()),
                Some(Change::Move { from, to, .. }) => path.rebased(to, from),
                Some(_) => None,
            };
            self.needs[index].extend(above.last());
            if arrives(&self.plan[index]) {
                above.push(index);
            }
        }
    }

    /// Rule 2.
    fn need_a_free_place(&mut self) {
        for index in (0..self.plan.len()).filter(|index| arrives(&self.plan[*index])) {
            let there = self.origin[index].as_ref().and_then(|origin| self.leaving.get(origin));
            self.needs[index].extend(there.filter(|there| **there != index));
        }
    }

    /// Rule 3, by one pass in the base's path order: a stack holds the directories that go above the present path,
    /// and those that move, out of which nothing is lost.
    fn need_out_what_stays(&mut self) {
        let mut places: BTreeMap<&RelPath, (usize, bool)> = BTreeMap::new();
        for (index, change) in self.plan.iter().enumerate() {
            match change {
                Change::Delete { path } => drop(places.insert(path, (index, true))),
                Change::Move { from, .. } => drop(places.insert(from, (index, false))),
                Change::Replace { .. } => drop(self.origin[index].as_ref().map(|at| places.insert(at, (index, true)))),
                Change::Create { .. } | Change::Modify { .. } | Change::Metadata { .. } => {}
            }
        }
        let mut above: Vec<(&RelPath, usize, bool)> = Vec::new();
        for (place, (index, goes)) in places {
            while above.pop_if(|(top, ..)| !place.is_below(top)).is_some() {}
            if let Some((_, container, true)) = above.last() {
                self.container[index] = Some(*container);
                self.needs[*container].push(index);
            }
            above.push((place, index, goes));
        }
    }

    /// What takes the place of a file's or symlink's move when its unit is too large: a create where it goes, and a
    /// delete where it was. Nothing if the move must stay: of directories the plan does not name the contents, and
    /// a move that may overwrite something is no create.
    fn apart(&self, index: usize) -> Option<Vec<Change>> {
        let Change::Move { from, to, entry } = &self.plan[index] else { return None };
        let place_is_free = self.origin[index].as_ref().is_none_or(|origin| self.leaving.contains_key(origin));
        if entry.kind() == Kind::Directory || !place_is_free {
            return None;
        }
        let mut apart = vec![Change::Create { path: to.clone(), entry: entry.clone() }];
        let goes_with_its_directory = self.container[index].is_some_and(|container| is_delete(&self.plan[container]));
        if goes_with_its_directory {
            return Some(apart);
        }
        apart.push(Change::Delete { path: from.clone() });
        Some(apart)
    }
}

/// The plan with the moves of some units as create and delete, which gives the same tree; nothing if none can be.
pub(crate) fn taken_apart(plan: &[Change], analysis: &Analysis<'_>, units: &[&Unit]) -> Option<Vec<Change>> {
    let moves = units.iter().flat_map(|unit| unit.iter());
    let apart: HashMap<usize, Vec<Change>> =
        moves.filter_map(|index| Some((*index, analysis.apart(*index)?))).collect();
    if apart.is_empty() {
        return None;
    }
    let kept = |(index, change): (usize, &Change)| apart.get(&index).cloned().unwrap_or_else(|| vec![change.clone()]);
    Some(plan.iter().enumerate().flat_map(kept).collect())
}

/// The place in the base that a change makes free.
fn leaves(change: &Change) -> Option<&RelPath> {
    match change {
        Change::Delete { path } => Some(path),
        Change::Move { from, .. } => Some(from),
        Change::Create { .. } | Change::Modify { .. } | Change::Metadata { .. } | Change::Replace { .. } => None,
    }
}

/// Whether something comes to a path where it was not before.
fn arrives(change: &Change) -> bool {
    matches!(change, Change::Create { .. } | Change::Move { .. } | Change::Replace { .. })
}

fn is_delete(change: &Change) -> bool {
    matches!(change, Change::Delete { .. })
}
