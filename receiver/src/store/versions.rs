//! The versions of a path: everything that is or was there, each thing followed through its renames.
//!
//! Stores tell what a thing was at a revision and since when ([`Lives`]); what follows from that is decided here, once.

use std::collections::BTreeSet;

use protocol::limits::MAX_PAGE_VERSIONS;
use protocol::wire::{Along, Began, Ended, Listed, Onward, Version, Versions, VersionsPage};
use protocol::{Problem, RelPath, Timestamp};

use crate::store::page::{PageBudget, entry_bytes};
use crate::store::rules::malformed;

/// What a thing was, and since which revision without a break.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// The first of the revisions that have it so.
    pub(crate) since: u64,
    /// Its path and entry.
    pub(crate) listed: Listed,
}

/// The lives of the things of one mirror. A thing is one for as long as it exists, whatever it is called.
pub(crate) trait Lives {
    /// What tells things apart.
    type Thing: Copy + Ord;

    /// The newest revision.
    fn head(&self) -> u64;

    /// What is at a path of a revision.
    fn thing_at(&mut self, path: &RelPath, revision: u64) -> Result<Option<Self::Thing>, Problem>;

    /// What was at a path last, no later than a revision, and when.
    fn last_thing(&mut self, path: &RelPath, until: u64) -> Result<Option<(Self::Thing, u64)>, Problem>;

    /// What a thing is at a revision; nothing if it is not in that tree.
    fn state(&mut self, thing: Self::Thing, revision: u64) -> Result<Option<State>, Problem>;

    /// Whether the tree of a revision is still kept.
    fn is_kept(&mut self, revision: u64) -> Result<bool, Problem>;

    /// When a revision was decided.
    fn time(&mut self, revision: u64) -> Result<Timestamp, Problem>;
}

/// Answers a request for versions.
pub(crate) fn page_of_versions(lives: &mut impl Lives, request: &Versions) -> Result<VersionsPage, Problem> {
    if request.path.is_root() {
        return Err(malformed("the root of a mirror has no versions of its own"));
    }
    let head = lives.head();
    let mut page = Pager { lives, head, path: &request.path, versions: Vec::new(), room: PageBudget::new() };
    let mut told = BTreeSet::new();
    let mut until = request.until.unwrap_or(head).min(head);
    let mut along = request.along.clone();
    loop {
        let Some(begin) = page.begin(until, along.take())? else {
            return Ok(VersionsPage { versions: page.versions, next: None });
        };
        match page.life(&begin, !told.insert(begin.thing))? {
            Life::Told { before } => until = before,
            Life::Full(next) => return Ok(VersionsPage { versions: page.versions, next: Some(next) }),
        }
    }
}

/// Where the telling of a thing begins.
struct Begin<T> {
    thing: T,
    revision: u64,
    /// The last revision before it came to the asked path, where that is known already.
    before: Option<u64>,
}

/// How the telling of a thing ended.
enum Life {
    /// To its end; before this revision's successor something else was at the path, or nothing.
    Told { before: u64 },
    /// The page is full.
    Full(Onward),
}

struct Pager<'a, L> {
    lives: &'a mut L,
    head: u64,
    path: &'a RelPath,
    versions: Vec<Version>,
    room: PageBudget,
}

impl<L: Lives> Pager<'_, L> {
    fn begin(&mut self, until: u64, along: Option<Along>) -> Result<Option<Begin<L::Thing>>, Problem> {
        if let Some(Along { path, revision }) = along {
            let thing = self.lives.thing_at(&path, revision)?;
            let thing = thing.ok_or_else(|| malformed(format!("revision {revision} has no {path}")))?;
            return Ok(Some(Begin { thing, revision, before: Some(until) }));
        }
        let last = self.lives.last_thing(self.path, until)?;
        Ok(last.map(|(thing, revision)| Begin { thing, revision, before: None }))
    }

    /// Tells a thing's versions, the newest first. Where it was told of before, only when it came to the path is asked.
    fn life(&mut self, begin: &Begin<L::Thing>, is_told: bool) -> Result<Life, Problem> {
        let mut before = begin.before;
        let mut last = begin.revision;
        let mut state = self.lives.state(begin.thing, last)?;
        while let Some(now) = state.take() {
            let (now, earlier) = self.whole(begin.thing, now)?;
            let came_here = earlier.as_ref().is_none_or(|earlier| earlier.listed.path != *self.path);
            let known = before.or_else(|| came_here.then(|| now.since.saturating_sub(1)));
            if is_told && let Some(before) = known {
                return Ok(Life::Told { before });
            }
            if !is_told && !self.has_room(&now) {
                let along = Along { path: now.listed.path, revision: last };
                // While it is at the path itself, the path leads to it.
                let next =
                    before.map_or(Onward { until: last, along: None }, |until| Onward { until, along: Some(along) });
                return Ok(Life::Full(next));
            }
            before = known;
            let since = now.since;
            if !is_told {
                self.tell(now, last, earlier.as_ref())?;
            }
            last = since.saturating_sub(1);
            state = earlier;
        }
        Ok(Life::Told { before: before.unwrap_or(0) })
    }

    /// A state with all of the revisions that have it so, and the one before it. A change that changed nothing is none.
    fn whole(&mut self, thing: L::Thing, mut state: State) -> Result<(State, Option<State>), Problem> {
        loop {
            let earlier = match state.since {
                0 => None,
                since => self.lives.state(thing, since - 1)?,
            };
            match earlier {
                Some(earlier) if earlier.listed == state.listed => state.since = earlier.since,
                earlier => return Ok((state, earlier)),
            }
        }
    }

    fn has_room(&mut self, state: &State) -> bool {
        let bytes = entry_bytes(&state.listed.path, &state.listed.entry) * 2;
        self.versions.len() < MAX_PAGE_VERSIONS && self.room.take(bytes)
    }

    fn tell(&mut self, state: State, last: u64, earlier: Option<&State>) -> Result<(), Problem> {
        let until = match last {
            last if last < self.head => Some(Ended { revision: last + 1, time: self.lives.time(last + 1)? }),
            _ => None,
        };
        let began = earlier.map_or(Began::Created, |earlier| Began::of(&earlier.listed, &state.listed));
        let from_time = self.lives.time(state.since)?;
        // Only a revision that is kept tells that the thing was not there.
        let may_be_older = match state.since.checked_sub(1) {
            Some(before) if earlier.is_none() => !self.lives.is_kept(before)?,
            _ => false,
        };
        let from = state.since;
        self.versions.push(Version { from, from_time, until, listed: state.listed, began, may_be_older });
        Ok(())
    }
}
