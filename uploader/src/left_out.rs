//! [`LeftOut`]: changes that are not delivered in this round, and what falls with them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use protocol::{Change, RefusalReason, RelPath};
use thiserror::Error;

/// Why a change was left out.
#[derive(Debug, Clone, Error)]
pub enum Why {
    /// The receiver cannot apply it: a problem of its path.
    #[error("the receiver refuses it: {0}")]
    Refused(RefusalReason),
    /// Its file changed while it was sent: deferred to the next round.
    #[error("the file changed while it was sent")]
    ContentChanged,
    /// Its file cannot be read: a problem of its path.
    #[error("the file cannot be read: {0}")]
    Unreadable(Arc<io::Error>),
    /// The receiver asks for its content again and again: a problem of its path.
    #[error("the receiver could not put its content together")]
    NeverComplete,
    /// It needs a change that was left out: deferred.
    #[error("it depends on a change that was left out")]
    Dependent,
}

/// A change that was left out.
#[derive(Debug)]
pub struct LeftOut {
    /// The change, as it was to be sent: what leaves is named as earlier batches moved it.
    pub change: Change,
    /// Why.
    pub why: Why,
}

/// Places whose state differs from what later changes take for granted.
///
/// A change falls with another of its batch if it brings something to a place at or below one that the other was to
/// change (what it means there is not there), or deletes what lies above it (something may still be in there that was
/// to move out). What was to leave and did not goes along where its directory moves: there, too, it must not be
/// overwritten. With an earlier batch a change falls also if what it takes away lies at or below such a place: that
/// path was to be made or vacated before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsettled(BTreeSet<RelPath>);

impl Unsettled {
    /// Whether something that comes to a path, or stays there, falls with what was left out: the path is such a place,
    /// or lies below one.
    #[must_use]
    pub fn reaches(&self, path: &RelPath) -> bool {
        !self.0.is_empty() && (self.0.contains(path) || path.ancestors().any(|above| self.0.contains(&above)))
    }

    /// Sorts out the changes that fail for a reason of their own, and those that fall with these or with earlier ones.
    pub(crate) fn sift(
        &mut self,
        changes: Vec<Change>,
        mut failed: BTreeMap<usize, Why>,
    ) -> (Vec<Change>, Vec<LeftOut>) {
        for index in self.fell(&changes, failed.keys().copied()) {
            failed.entry(index).or_insert(Why::Dependent);
        }
        let mut left_out = Vec::new();
        let mut kept = Vec::new();
        for (index, change) in changes.into_iter().enumerate() {
            match failed.remove(&index) {
                Some(why) => left_out.push(LeftOut { change, why }),
                None => kept.push(change),
            }
        }
        (kept, left_out)
    }

    /// These changes, and those that fall with them or with earlier ones.
    pub(crate) fn fell(&mut self, changes: &[Change], failed: impl Iterator<Item = usize>) -> BTreeSet<usize> {
        let mut fell: BTreeSet<usize> = failed.collect();
        if fell.is_empty() && self.0.is_empty() {
            return fell;
        }
        let named = Named::of(changes);
        let earlier = std::mem::take(&mut self.0).into_iter().map(|place| (place, Since::Earlier));
        let of_batch = |index: usize| unsettles(&changes[index]).cloned().map(|place| (place, Since::Now));
        let mut open: Vec<(RelPath, Since)> = earlier.chain(fell.iter().copied().flat_map(of_batch)).collect();
        while let Some((place, since)) = open.pop() {
            let gone_along = named.gone_along(&place, changes);
            for place in std::iter::once(place).chain(gone_along) {
                for index in named.concerned_by(&place, since, changes) {
                    if fell.insert(index) {
                        open.extend(of_batch(index));
                    }
                }
                self.0.insert(place);
            }
        }
        fell
    }
}

/// When a place became unsettled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// By an earlier batch: its tree is not what the names of this batch were made for.
    Earlier,
    /// By a change of this batch, whose base is as it was.
    Now,
}

/// The changes of a batch by the places they name.
struct Named<'a>(BTreeMap<&'a RelPath, Vec<usize>>);

impl<'a> Named<'a> {
    fn of(changes: &'a [Change]) -> Self {
        let mut named: BTreeMap<&RelPath, Vec<usize>> = BTreeMap::new();
        for (index, change) in changes.iter().enumerate() {
            for place in std::iter::once(change.path()).chain(unsettles(change)) {
                named.entry(place).or_default().push(index);
            }
        }
        Self(named)
    }

    fn concerned_by(&self, place: &RelPath, since: Since, changes: &[Change]) -> Vec<usize> {
        let below =
            self.0.range::<RelPath, _>(place..).take_while(|(named, _)| **named == place || named.is_below(place));
        let named = below.flat_map(|(named, indices)| indices.iter().map(move |index| (*named, *index)));
        let concerned = named.filter(|(named, index)| since == Since::Earlier || arrives(&changes[*index], named));
        let mut concerned: Vec<usize> = concerned.map(|(_, index)| index).collect();
        let above = place.ancestors().filter_map(|above| self.0.get(&above)).flatten().copied();
        concerned.extend(above.filter(|index| empties(&changes[*index])));
        concerned
    }

    /// Where a place comes to lie when the nearest moving directory above it moves.
    fn gone_along(&self, place: &RelPath, changes: &[Change]) -> Option<RelPath> {
        let mut above = place.parent();
        while let Some(directory) = above {
            let mut named = self.0.get(&directory).into_iter().flatten();
            let moved = named.find_map(|index| match &changes[*index] {
                Change::Move { from, to, .. } if *from == directory => place.rebased(from, to),
                _ => None,
            });
            if moved.is_some() {
                return moved;
            }
            above = directory.parent();
        }
        None
    }
}

/// The places that are not as planned if a change is left out. Content and metadata alone unsettle nothing.
fn unsettles(change: &Change) -> impl Iterator<Item = &RelPath> {
    let (from, to) = match change {
        Change::Create { path, .. } | Change::Delete { path } | Change::Replace { path, .. } => (None, Some(path)),
        Change::Move { from, to, .. } => (Some(from), Some(to)),
        Change::Modify { .. } | Change::Metadata { .. } => (None, None),
    };
    from.into_iter().chain(to)
}

/// Whether a change means what is at a path in its result.
fn arrives(change: &Change, path: &RelPath) -> bool {
    change.path() == path && !matches!(change, Change::Delete { .. })
}

/// Whether a change takes away what lies below its path.
fn empties(change: &Change) -> bool {
    matches!(change, Change::Delete { .. } | Change::Replace { .. })
}

#[cfg(test)]
#[path = "left_out_tests.rs"]
mod tests;
