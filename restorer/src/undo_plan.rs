//! [`UndoPlan`]: what one round did, seen from its end. Pure.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{Change, Entry, RelPath};

/// What is to be undone. `now` is a path of the round's result, `then` one of before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct UndoPlan {
    /// What leaves its place, by its path now, the deepest first: what lies in a directory leaves it before that does.
    pub(crate) leaving: Vec<Leaving>,
    /// What went, by its path then, the topmost first.
    pub(crate) gone: Vec<RelPath>,
    /// What changed and stayed.
    pub(crate) changed: Vec<Changed>,
    /// The directories, as they are called now and then, in which something comes or goes. Those that the round made are
    /// left out: they go.
    pub(crate) around: BTreeSet<RelPath>,
}

/// Something that leaves its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// It moved there.
    Back(Moved),
    /// It was made there.
    Made(RelPath, Entry),
}

impl Leaving {
    /// Where it is now.
    pub(crate) fn now(&self) -> &RelPath {
        match self {
            Self::Back(moved) => &moved.now,
            Self::Made(path, _) => path,
        }
    }
}

/// Something that moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) now: RelPath,
    pub(crate) then: RelPath,
    /// What it was after the move.
    pub(crate) made: Entry,
    /// Whether it can go straight back: nothing that the round moved or made lies on the way there.
    pub(crate) straight: bool,
}

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) now: RelPath,
    pub(crate) then: RelPath,
    /// What the round made of it; nothing where only its metadata changed.
    pub(crate) made: Option<Entry>,
}

impl UndoPlan {
    /// The plan that undoes a set of changes.
    pub(crate) fn of(changes: Vec<Change>) -> Self {
        let ways = Ways::of(&changes);
        let mut plan = Self::default();
        for change in changes {
            plan.add(change, &ways);
        }
        plan.leaving.sort_by(|a, b| b.now().cmp(a.now()));
        plan.gone.sort();
        plan
    }

    fn add(&mut self, change: Change, ways: &Ways) {
        self.around.extend(ways.around(&change));
        match change {
            Change::Create { path, entry } => self.leaving.push(Leaving::Made(path, entry)),
            Change::Delete { path } => self.gone.push(path),
            Change::Replace { path, entry } => {
                self.gone.push(ways.then(&path));
                self.leaving.push(Leaving::Made(path, entry));
            }
            Change::Move { from, to, entry } => {
                let straight = ways.lead_straight_to(&from);
                self.leaving.push(Leaving::Back(Moved { now: to, then: from, made: entry, straight }));
            }
            Change::Modify { path, entry } => {
                self.changed.push(Changed { then: ways.then(&path), now: path, made: Some(entry) });
            }
            Change::Metadata { path, .. } => {
                self.changed.push(Changed { then: ways.then(&path), now: path, made: None });
            }
        }
    }
}

/// Where a round led.
#[derive(Debug, Default)]
struct Ways {
    /// What moved: from where, by where to.
    origins: BTreeMap<RelPath, RelPath>,
    /// Paths, then or now, at which something moved, came or went.
    touched: BTreeSet<RelPath>,
    /// Paths of now at which something was made.
    made: BTreeSet<RelPath>,
}

impl Ways {
    fn of(changes: &[Change]) -> Self {
        let mut ways = Self::default();
        for change in changes {
            match change {
                Change::Move { from, to, .. } => {
                    ways.origins.insert(to.clone(), from.clone());
                    ways.touched.extend([from.clone(), to.clone()]);
                }
                Change::Create { path, .. } | Change::Replace { path, .. } => {
                    ways.touched.insert(path.clone());
                    ways.made.insert(path.clone());
                }
                Change::Delete { path } => drop(ways.touched.insert(path.clone())),
                Change::Modify { .. } | Change::Metadata { .. } => {}
            }
        }
        ways
    }

    /// What was then at a path of now: the nearest thing on the way there that moved says so.
    fn then(&self, now: &RelPath) -> RelPath {
        let mut at = Some(now.clone());
        while let Some(path) = at {
            if let Some(from) = self.origins.get(&path) {
                return now.rebased(&path, from).unwrap_or_else(|| now.clone());
            }
            at = path.parent();
        }
        now.clone()
    }

    /// Whether what is at a path now came to be with the round.
    fn is_made(&self, now: &RelPath) -> bool {
        let mut upwards = std::iter::successors(Some(now.clone()), RelPath::parent);
        let nearest = upwards.find(|at| self.origins.contains_key(at) || self.made.contains(at));
        nearest.is_some_and(|at| !self.origins.contains_key(&at))
    }

    /// The directories that a change is in, now and then.
    fn around(&self, change: &Change) -> Vec<RelPath> {
        let then = match change {
            Change::Move { from, .. } | Change::Delete { path: from } => from.parent(),
            _ => None,
        };
        let now = match change {
            Change::Delete { .. } => None,
            other => other.path().parent().filter(|now| !self.is_made(now)),
        };
        let then_too = now.as_ref().map(|now| self.then(now));
        then.into_iter().chain(now).chain(then_too).collect()
    }

    fn lead_straight_to(&self, then: &RelPath) -> bool {
        !then.ancestors().any(|above| self.touched.contains(&above))
    }
}

#[cfg(test)]
mod tests {
    use protocol::Metadata;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text.as_bytes()).expect("valid in this test")
    }

    fn directory() -> Entry {
        Entry::Directory { metadata: Metadata::default() }
    }

    fn moved(from: &str, to: &str) -> Change {
        Change::Move { from: path(from), to: path(to), entry: directory() }
    }

    #[test]
    fn what_changed_in_a_directory_that_moved_was_at_its_old_place_then() {
        let metadata = |at: &str| Change::Metadata { path: path(at), metadata: Metadata::default() };
        let changes = vec![moved("d", "e"), moved("d/x", "e/y"), metadata("e/a"), metadata("e/y/b"), metadata("c")];
        let then: Vec<RelPath> = UndoPlan::of(changes).changed.into_iter().map(|changed| changed.then).collect();
        assert_eq!(then, [path("d/a"), path("d/x/b"), path("c")]);
    }

    #[test]
    fn what_is_deepest_leaves_first_and_only_a_way_that_nothing_crossed_is_straight() {
        let made = Change::Create { path: path("e/new"), entry: directory() };
        let plan = UndoPlan::of(vec![moved("d", "e"), made, moved("d/x", "e/y"), moved("f", "g/f")]);
        let straight = |leaving: &Leaving| match leaving {
            Leaving::Back(moved) => Some(moved.straight),
            Leaving::Made(..) => None,
        };
        let way: Vec<_> = plan.leaving.iter().map(|leaving| (leaving.now().clone(), straight(leaving))).collect();
        let expected = [("g/f", Some(true)), ("e/y", Some(false)), ("e/new", None), ("e", Some(true))]
            .map(|(at, way)| (path(at), way));
        assert_eq!(way, expected);
    }
}
