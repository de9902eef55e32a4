//! [`Sieve`]: the guards of a plan, as they speak of what is not in the plan: of one plain finding after the other, in
//! path order.

use std::collections::{BTreeMap, HashSet};
use std::io;

use protocol::{Change, Entry, RelPath, Timestamp};
use scanner::{Planned, plain_change};
use seams::known::Postponement;
use seams::scratch::{Plain, Scratch, take_where};
use uploader::Unsettled;

use super::guards::{Guarded, is_refused};
use crate::report::HeldChange;

/// What the guards go by, besides the plan that they have spoken of.
pub(super) struct Sieve<'a> {
    /// Where nothing changes in this round.
    pub(super) planned: &'a Planned,
    /// A plan's file: nothing else is to be done.
    pub(super) only: Option<&'a HashSet<Change>>,
    /// What waits, and for how long.
    pub(super) postponed: &'a BTreeMap<RelPath, Postponement>,
    /// What time it is.
    pub(super) now: Timestamp,
}

impl Sieve<'_> {
    /// Takes out of the scratch what may not be delivered, and notes it in `guarded`. Gives the paths at which nothing
    /// changes in this round.
    ///
    /// # Errors
    /// Where the scratch cannot be read or written.
    pub(super) fn run(&self, scratch: &dyn Scratch, guarded: &mut Guarded) -> io::Result<Vec<RelPath>> {
        let mut passing = Passing {
            sieve: self,
            waiting: Vec::new(),
            moved_on: guarded.moved_on.drain(..).collect(),
            unasked: Fallen::of(&mut guarded.unasked_places),
            refused: Fallen::of(&mut guarded.refused_places),
            held: Fallen::of(&mut guarded.held_places),
            guarded,
        };
        take_where(scratch, |plain| passing.is_taken_out(plain), drop)?;
        let Passing { waiting, moved_on, guarded, .. } = passing;
        guarded.moved_on = moved_on.into_iter().collect();
        guarded.moved_on.sort_by(|a, b| a.path().cmp(b.path()));
        guarded.held.sort_by(|a, b| a.change.path().cmp(b.change.path()));
        Ok(waiting)
    }
}

/// Plain findings passing through the sieve.
struct Passing<'a> {
    sieve: &'a Sieve<'a>,
    guarded: &'a mut Guarded,
    waiting: Vec<RelPath>,
    /// Changes of the plan's file that were not met yet, or fell.
    moved_on: HashSet<Change>,
    unasked: Fallen,
    refused: Fallen,
    held: Fallen,
}

impl Passing<'_> {
    fn is_taken_out(&mut self, plain: &Plain) -> bool {
        let out = self.waits(plain) || self.is_unasked(plain) || self.is_refused(plain) || self.is_held(plain);
        if !out && plain.was.is_none() {
            self.guarded.spilled.add(&plain.now);
        }
        out
    }

    fn waits(&mut self, plain: &Plain) -> bool {
        let waits = self.sieve.planned.is_closed(&plain.path);
        self.waiting.extend(waits.then(|| plain.path.clone()));
        waits
    }

    fn is_unasked(&mut self, plain: &Plain) -> bool {
        let Some(only) = self.sieve.only else { return false };
        let change = plain_change(plain.clone());
        let (asked, falls) = (only.contains(&change), self.unasked.reaches(&plain.path));
        self.guarded.left_alone += u64::from(!asked);
        if !falls {
            self.moved_on.remove(&change);
        }
        self.unasked.add_if(!asked || falls, plain)
    }

    fn is_refused(&mut self, plain: &Plain) -> bool {
        let is_refused = is_refused(self.sieve.postponed, &plain.path, self.sieve.now);
        let out = self.refused.add_if(is_refused || self.refused.reaches(&plain.path), plain);
        self.guarded.refused.extend(out.then(|| plain_change(plain.clone())));
        out
    }

    fn is_held(&mut self, plain: &Plain) -> bool {
        let falls = self.held.reaches(&plain.path);
        self.guarded.held.extend(falls.then(|| HeldChange::needing_place(plain_change(plain.clone()))));
        falls
    }
}

/// Where something falls with what was set apart: places of the plan, and new directories that passed in path order.
struct Fallen {
    places: Unsettled,
    /// The topmost directory that was set apart last: what is in it comes right after it.
    above: Option<RelPath>,
}

impl Fallen {
    /// Nobody asks for the places again.
    fn of(places: &mut Unsettled) -> Self {
        Self { places: std::mem::take(places), above: None }
    }

    fn reaches(&self, path: &RelPath) -> bool {
        self.above.as_ref().is_some_and(|above| path.is_below(above)) || self.places.reaches(path)
    }

    /// Notes that something is set apart, if it is.
    fn add_if(&mut self, is_apart: bool, plain: &Plain) -> bool {
        let is_new_directory = plain.was.is_none() && matches!(plain.now, Entry::Directory { .. });
        if is_apart && is_new_directory && !self.reaches(&plain.path) {
            self.above = Some(plain.path.clone());
        }
        is_apart
    }
}
