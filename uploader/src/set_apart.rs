//! [`set_apart`]: a plan without those of its changes that wait for a person. Pure.

use std::collections::BTreeSet;

use protocol::Change;

use crate::left_out::Unsettled;

/// A plan in three parts, each in the order of the plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Apart {
    /// What can be delivered without the rest.
    pub kept: Vec<Change>,
    /// What was to be set apart.
    pub set_apart: Vec<Change>,
    /// What cannot be delivered before that is: it needs a place that stays taken, or that is not made, or it would
    /// take along what is to stay.
    pub dependents: Vec<Change>,
    /// Where what comes later finds another state than the whole plan would have left.
    pub unsettled: Unsettled,
}

/// Sets changes apart, by their places in the plan, and what falls with them.
#[must_use]
pub fn set_apart(plan: Vec<Change>, places: &BTreeSet<usize>) -> Apart {
    let mut unsettled = Unsettled::default();
    let fell = unsettled.fell(&plan, places.iter().copied());
    let mut apart = Apart { unsettled, ..Apart::default() };
    for (index, change) in plan.into_iter().enumerate() {
        let part = match fell.contains(&index) {
            false => &mut apart.kept,
            true if places.contains(&index) => &mut apart.set_apart,
            true => &mut apart.dependents,
        };
        part.push(change);
    }
    apart
}

#[cfg(test)]
#[path = "set_apart_tests.rs"]
mod tests;
