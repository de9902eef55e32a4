//! Looking back: each thing has a number of its own, from the revision that made it to the one that ended it.

use std::collections::BTreeMap;

use protocol::limits::MAX_PAGE_ROWS;
use protocol::wire::{EntriesAt, FoundEntries, KnownMirror, Listed, Revision as Told, Revisions, RevisionsPage};
use protocol::{Change, Entry, MirrorName, Problem, RelPath, Timestamp, Tree};

use crate::memory_store::mirror::{Mirror, Revision};
use crate::store::page::page_of_entries;
use crate::store::rules::no_revision;
use crate::store::versions::{Lives, State};

/// The number of each thing of a tree, by its path.
pub(super) type Things = BTreeMap<RelPath, u64>;

/// The things of the tree that a batch made: those that were there before go on, wherever they are now.
pub(super) fn things_after(before: &Things, changes: &[Change], after: &Tree, next: &mut u64) -> Things {
    let number = |path: &RelPath| {
        let earlier = earlier_path(changes, path).and_then(|earlier| before.get(&earlier).copied());
        earlier.unwrap_or_else(|| {
            *next += 1;
            *next
        })
    };
    let mut number = number;
    after.iter().map(|(path, _)| (path.clone(), number(path))).collect()
}

/// Where the thing at a path of the result was in the base; nothing if it is new.
fn earlier_path(changes: &[Change], path: &RelPath) -> Option<RelPath> {
    let new = |at: &RelPath| {
        changes
            .iter()
            .any(|change| matches!(change, Change::Create { path, .. } | Change::Replace { path, .. } if path == at))
    };
    let from = |at: &RelPath| {
        changes.iter().find_map(|change| match change {
            Change::Move { from, to, .. } if to == at => Some(from.clone()),
            _ => None,
        })
    };
    let mut upwards: Vec<RelPath> = path.ancestors().chain([path.clone()]).collect();
    while let Some(at) = upwards.pop() {
        if let Some(from) = from(&at) {
            return path.rebased(&at, &from);
        }
        if new(&at) {
            return None;
        }
    }
    Some(path.clone())
}

impl Mirror {
    /// What is told of a mirror that was claimed.
    pub(super) fn known(&self, name: &MirrorName) -> Option<KnownMirror> {
        Some(KnownMirror { name: name.clone(), head: self.head(), source: self.source.clone()? })
    }

    pub(super) fn revisions(&self, request: &Revisions) -> RevisionsPage {
        if let Some(time) = request.as_of {
            let last = self.revisions.iter().rev().find(|revision| revision.committed_at <= time);
            return RevisionsPage { revisions: last.map(told).into_iter().collect(), more: false };
        }
        let is_meant = |revision: &&Revision| request.after.is_none_or(|after| revision.head.number > after);
        let mut revisions: Vec<Told> =
            self.revisions.iter().filter(is_meant).take(MAX_PAGE_ROWS + 1).map(told).collect();
        let more = revisions.len() > MAX_PAGE_ROWS;
        revisions.truncate(MAX_PAGE_ROWS);
        RevisionsPage { revisions, more }
    }

    pub(super) fn entries_at(&self, request: &EntriesAt) -> Result<FoundEntries, Problem> {
        let number = request.revision.unwrap_or(self.head().number);
        let revision = self.revision(number).ok_or_else(|| no_revision(&request.mirror, number))?;
        let root = || Entry::Directory { metadata: revision.tree.root().clone() };
        let look = |path: &RelPath| Ok(if path.is_root() { Some(root()) } else { revision.tree.get(path).cloned() });
        Ok(FoundEntries { revision: revision.head, entries: page_of_entries(request, look)? })
    }

    fn path_of(&self, thing: u64, revision: u64) -> Option<&RelPath> {
        let things = &self.revision(revision)?.things;
        things.iter().find_map(|(path, number)| (*number == thing).then_some(path))
    }
}

fn told(revision: &Revision) -> Told {
    Told { head: revision.head, committed_at: revision.committed_at, round: revision.round, counts: revision.counts }
}

impl Lives for Mirror {
    type Thing = u64;

    fn head(&self) -> u64 {
        Mirror::head(self).number
    }

    fn thing_at(&mut self, path: &RelPath, revision: u64) -> Result<Option<u64>, Problem> {
        Ok(self.revision(revision).and_then(|revision| revision.things.get(path).copied()))
    }

    fn last_thing(&mut self, path: &RelPath, until: u64) -> Result<Option<(u64, u64)>, Problem> {
        let then = |number| Some((*self.revision(number)?.things.get(path)?, number));
        Ok((0..=until).rev().find_map(then))
    }

    fn state(&mut self, thing: u64, revision: u64) -> Result<Option<State>, Problem> {
        let listed = |number| {
            let path = self.path_of(thing, number)?;
            let entry = self.revision(number)?.tree.get(path)?.clone();
            Some(Listed { path: path.clone(), entry })
        };
        let Some(now) = listed(revision) else { return Ok(None) };
        let same = (0..=revision).rev().take_while(|number| listed(*number).as_ref() == Some(&now));
        Ok(Some(State { since: same.last().unwrap_or(revision), listed: now }))
    }

    fn is_kept(&mut self, _: u64) -> Result<bool, Problem> {
        Ok(true)
    }

    fn time(&mut self, revision: u64) -> Result<Timestamp, Problem> {
        Ok(self.revision(revision).map(|revision| revision.committed_at).unwrap_or_default())
    }
}
