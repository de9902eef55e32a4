//! [`Rounds`]: a mirror's revisions, those of one round together.

use std::collections::VecDeque;

use protocol::Timestamp;
use protocol::wire::{ChangeCounts, Revision, Round};
use uploader::CallError;

use crate::past::MirrorPast;
use crate::settings::when::RoundName;

/// One round, by what it left at the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoundOf {
    /// The client's round.
    pub(crate) round: Round,
    /// Its first revision.
    pub(crate) first: u64,
    /// Its last.
    pub(crate) last: u64,
    /// When that was decided.
    pub(crate) committed_at: Timestamp,
    /// What it changed, all revisions together.
    pub(crate) counts: ChangeCounts,
}

impl RoundOf {
    fn add(&mut self, revision: &Revision) {
        (self.last, self.committed_at) = (revision.head.number, revision.committed_at);
        let (sum, more) = (&mut self.counts, revision.counts);
        sum.created += more.created;
        sum.modified += more.modified;
        sum.metadata += more.metadata;
        sum.deleted += more.deleted;
        sum.moved += more.moved;
        sum.replaced += more.replaced;
    }

    /// Whether this is the round that a person names.
    pub(crate) fn is_called(&self, name: &RoundName, head: u64) -> bool {
        match name.number() {
            Some(number) if number <= head => (self.first..=self.last).contains(&number),
            _ => self.round.id.to_hex().starts_with(name.as_str()),
        }
    }
}

/// The rounds of a mirror, the oldest first, a page of revisions at a time.
pub(crate) struct Rounds<'a> {
    past: &'a MirrorPast<'a>,
    after: Option<u64>,
    read: VecDeque<Revision>,
    more: bool,
}

impl<'a> Rounds<'a> {
    /// From the first on.
    pub(crate) fn of(past: &'a MirrorPast<'a>) -> Self {
        Self { past, after: None, read: VecDeque::new(), more: true }
    }

    fn next_revision(&mut self) -> Result<Option<Revision>, CallError> {
        if self.read.is_empty() && self.more {
            let (page, more) = self.past.revisions(self.after)?;
            self.after = page.last().map(|revision| revision.head.number).or(self.after);
            self.more = more && !page.is_empty();
            self.read = page.into();
        }
        Ok(self.read.pop_front())
    }

    /// The next round; nothing at the end.
    pub(crate) fn next(&mut self) -> Result<Option<RoundOf>, CallError> {
        let mut all: Option<RoundOf> = None;
        while let Some(revision) = self.next_revision()? {
            // Number 0 is the beginning, and belongs to no round.
            let Some(round) = revision.round else { continue };
            match &mut all {
                Some(known) if known.round.id == round.id => known.add(&revision),
                Some(_) => {
                    self.read.push_front(revision);
                    break;
                }
                None => {
                    let Revision { head, committed_at, counts, .. } = revision;
                    all = Some(RoundOf { round, first: head.number, last: head.number, committed_at, counts });
                }
            }
        }
        Ok(all)
    }
}
