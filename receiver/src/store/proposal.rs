//! [`Proposal`]: a checked batch with its recipes, and the few that a mirror keeps open.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use protocol::limits::{MAX_BATCH_CHANGES, MAX_BATCH_SEGMENTS, MAX_OPEN_PROPOSALS, MAX_WANTED, STAGED_EXPIRY};
use protocol::wire::{Mend, Missing, Propose, Round};
use protocol::{
    ByteRange, Change, ContentId, ContentPlan, Head, Lineage, Metadata, Piece, Problem, ProblemCode, RevisionDigest,
    RoundId, Segment, Timestamp,
};

use crate::store::range_set::RangeSet;
use crate::store::rules::{malformed, too_large};

/// A batch that means something: within the limits, every content planned once, every recipe of the right length.
/// Whether its changes can be applied is another question, which only the base can answer.
#[derive(Debug)]
pub(crate) struct Proposal {
    /// The head its changes mean.
    pub(crate) base: Head,
    /// The head it would make.
    pub(crate) result: Head,
    /// Who proposed it.
    pub(crate) lineage: Lineage,
    /// The round it belongs to.
    pub(crate) round: Round,
    /// The changes: a set.
    pub(crate) changes: Vec<Change>,
    /// Every distinct content they name.
    pub(crate) contents: Vec<ContentPlan>,
    /// What the first change that names each of them says of its file.
    first_uses: Vec<FirstUse>,
}

/// How a file with a content will look: most contents have just one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FirstUse {
    /// Its mode as the client gave it.
    pub(crate) mode: u16,
    /// Its mtime.
    pub(crate) mtime: Timestamp,
}

impl Proposal {
    /// Checks everything about a proposal that needs no store.
    pub(crate) fn check(request: &Propose) -> Result<Self, Problem> {
        if request.changes.len() > MAX_BATCH_CHANGES {
            return Err(too_large(format!("a batch has at most {MAX_BATCH_CHANGES} changes")));
        }
        check_recipes(&request.contents)?;
        let first_uses = check_names(&request.changes, &request.contents)?;
        Ok(Self {
            base: request.base,
            result: request.base.after(&request.changes),
            lineage: request.lineage,
            round: request.round,
            changes: request.changes.clone(),
            contents: request.contents.clone(),
            first_uses,
        })
    }

    /// What fills contents that are wanted: a proposal without changes, which no commit can ever mean. `usage` says how
    /// a file with a content will look.
    pub(crate) fn mending(request: &Mend, usage: impl Fn(&ContentPlan) -> FirstUse) -> Result<Self, Problem> {
        if request.contents.len() > MAX_WANTED {
            return Err(too_large(format!("one request offers at most {MAX_WANTED} contents")));
        }
        check_recipes(&request.contents)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"mend");
        for plan in &request.contents {
            hasher.update(plan.content.as_bytes());
        }
        let nobodys = Head { number: u64::MAX, digest: RevisionDigest::from_bytes(hasher.finalize().into()) };
        Ok(Self {
            base: nobodys,
            result: nobodys,
            lineage: request.lineage,
            round: Round { id: RoundId::from_bytes([0; 16]), started: Timestamp::default() },
            changes: Vec::new(),
            contents: request.contents.clone(),
            first_uses: request.contents.iter().map(usage).collect(),
        })
    }

    /// The content a piece belongs to.
    pub(crate) fn content_of(&self, piece: Piece) -> Result<&ContentPlan, Problem> {
        self.plan(piece.index).ok_or_else(|| malformed(format!("the proposal has no content {}", piece.index)))
    }

    /// The content at a place of the proposal.
    pub(crate) fn plan(&self, index: u32) -> Option<&ContentPlan> {
        usize::try_from(index).ok().and_then(|index| self.contents.get(index))
    }

    /// The same, but these are all literal from here on: copies were tried and came out wrong.
    fn with_literals(&self, wrong: impl Iterator<Item = u32>) -> Self {
        let mut contents = self.contents.clone();
        for index in wrong {
            if let Some(plan) = usize::try_from(index).ok().and_then(|index| contents.get_mut(index)) {
                plan.recipe.clear();
            }
        }
        Self { changes: self.changes.clone(), contents, first_uses: self.first_uses.clone(), ..*self }
    }

    /// How a file with the content at a place of the proposal will look.
    pub(crate) fn first_use(&self, index: u32) -> Option<FirstUse> {
        usize::try_from(index).ok().and_then(|index| self.first_uses.get(index)).copied()
    }

    /// What must not be thrown away while this is open: what it puts into files, and what it copies from.
    fn pins(&self) -> impl Iterator<Item = ContentId> {
        let copied = |plan: &ContentPlan| plan.sources().collect::<BTreeSet<_>>();
        self.contents.iter().flat_map(move |plan| copied(plan).into_iter().chain([plan.content]))
    }

    /// Whether a content is held, with the length that the plan says. One id has one length.
    pub(crate) fn is_held(plan: &ContentPlan, held: Option<u64>) -> Result<bool, Problem> {
        match held {
            Some(length) if length != plan.length => {
                Err(malformed(format!("the content {} has {length} bytes, not {}", plan.content, plan.length)))
            }
            held => Ok(held.is_some()),
        }
    }

    /// Checks a recipe's copies against the contents that the client holds; asks for the length of each of them once.
    pub(crate) fn check_copies(
        plan: &ContentPlan,
        mut held: impl FnMut(ContentId) -> Result<Option<u64>, Problem>,
    ) -> Result<(), Problem> {
        let mut sizes = HashMap::new();
        for segment in &plan.recipe {
            let Segment::Copy { content, offset, length } = segment else { continue };
            let size = match sizes.get(content) {
                Some(known) => *known,
                None => *sizes.entry(*content).or_insert(held(*content)?),
            };
            let Some(size) = size else {
                let detail = format!("a recipe copies from {content}, which is not held");
                return Err(Problem::new(ProblemCode::NotFound, detail).with_hint("send those bytes"));
            };
            if offset.checked_add(*length).is_none_or(|end| end > size) {
                return Err(malformed(format!("a recipe copies past the end of {content}")));
            }
        }
        Ok(())
    }
}

fn check_recipes(contents: &[ContentPlan]) -> Result<(), Problem> {
    let mut segments = 0usize;
    let mut distinct = BTreeSet::new();
    for plan in contents {
        segments = segments.saturating_add(plan.recipe.len());
        if segments > MAX_BATCH_SEGMENTS {
            return Err(too_large(format!("the recipes of a batch have at most {MAX_BATCH_SEGMENTS} segments")));
        }
        if !distinct.insert(plan.content) {
            return Err(malformed(format!("the content {} is planned twice", plan.content)));
        }
        if i64::try_from(plan.length).is_err() {
            return Err(too_large(format!("the content {} is longer than any file", plan.content)));
        }
        if !plan.is_complete() {
            return Err(malformed(format!("the recipe of {} does not make its length", plan.content)));
        }
    }
    Ok(())
}

/// Every content the changes name is planned with the same length, and no other. Answers the first use of each.
fn check_names(changes: &[Change], contents: &[ContentPlan]) -> Result<Vec<FirstUse>, Problem> {
    let places: HashMap<ContentId, usize> = contents.iter().map(|plan| plan.content).zip(0..).collect();
    let mut first_uses = vec![None; contents.len()];
    for entry in changes.iter().filter_map(Change::entry) {
        let Some((content, size)) = entry.content() else { continue };
        match places.get(&content) {
            Some(place) if contents[*place].length == size => {
                let Metadata { mode, mtime, .. } = *entry.metadata();
                first_uses[*place].get_or_insert(FirstUse { mode, mtime });
            }
            Some(_) => return Err(malformed(format!("the content {content} has two lengths"))),
            None => return Err(malformed(format!("the content {content} is named but not planned"))),
        }
    }
    let all_used: Option<Vec<FirstUse>> = first_uses.into_iter().collect();
    all_used.ok_or_else(|| malformed("a content is planned that no change names"))
}

/// The missing ranges of each content, where there are any.
pub(crate) fn missing_of(
    proposal: &Proposal,
    mut lacking: impl FnMut(&ContentPlan) -> Result<Vec<ByteRange>, Problem>,
) -> Result<Vec<Missing>, Problem> {
    let mut missing = Vec::new();
    for (index, plan) in (0u32..).zip(&proposal.contents) {
        let ranges = lacking(plan)?;
        if !ranges.is_empty() {
            missing.push(Missing { index, ranges });
        }
    }
    Ok(missing)
}

/// Checks that each piece lies within the literals of its content.
pub(crate) fn check_pieces(proposal: &Proposal, pieces: &[Piece]) -> Result<(), Problem> {
    let mut literals: HashMap<u32, RangeSet> = HashMap::new();
    for piece in pieces {
        let plan = proposal.content_of(*piece)?;
        let literal = literals.entry(piece.index).or_insert_with(|| RangeSet::of(plan.literals()));
        if !literal.contains(range_of(*piece)) {
            return Err(malformed(format!("a piece lies outside the literals of {}", plan.content)));
        }
    }
    Ok(())
}

/// Where a piece lies in its content.
pub(crate) fn range_of(piece: Piece) -> ByteRange {
    ByteRange { offset: piece.offset, length: piece.length }
}

/// The open proposals of one mirror, oldest first. They are only in memory: a client whose proposal is unknown
/// proposes again, and what arrived in the meantime is found by its content id.
#[derive(Debug, Default)]
pub(crate) struct OpenProposals {
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    proposal: Arc<Proposal>,
    /// Since boot.
    since: Duration,
}

impl OpenProposals {
    /// Keeps a proposal; the same again replaces its former self, and the oldest gives way.
    pub(crate) fn keep(&mut self, proposal: Arc<Proposal>, uptime: Duration) {
        self.close(proposal.result.digest);
        if self.open.len() == MAX_OPEN_PROPOSALS {
            self.open.pop_front();
        }
        self.open.push_back(Open { proposal, since: uptime });
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Proposal>> {
        self.open.iter().map(|open| &open.proposal)
    }

    /// An open proposal.
    pub(crate) fn find(&self, digest: RevisionDigest) -> Option<Arc<Proposal>> {
        self.iter().find(|open| open.result.digest == digest).cloned()
    }

    /// Whether a head is what an open proposal would make.
    pub(crate) fn would_make(&self, head: Head) -> bool {
        self.iter().any(|open| open.result == head)
    }

    /// Makes contents that came out wrong literal, so that they can be filled.
    pub(crate) fn demand_literals(
        &mut self,
        proposal: &Proposal,
        wrong: impl Iterator<Item = u32>,
        uptime: Duration,
    ) -> Arc<Proposal> {
        let literal = Arc::new(proposal.with_literals(wrong));
        self.keep(Arc::clone(&literal), uptime);
        literal
    }

    /// Forgets what nobody came back to for [`STAGED_EXPIRY`].
    pub(crate) fn expire(&mut self, uptime: Duration) {
        self.open.retain(|open| uptime.saturating_sub(open.since) < STAGED_EXPIRY);
    }

    /// What must not be thrown away while these are open.
    pub(crate) fn pins(&self) -> impl Iterator<Item = ContentId> {
        self.iter().flat_map(|open| open.pins())
    }

    /// Forgets a proposal.
    pub(crate) fn close(&mut self, digest: RevisionDigest) {
        self.open.retain(|open| open.proposal.result.digest != digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_a_recipe_copies_from_a_content_its_length_is_asked_for_once() {
        let (new, old) = (ContentId::of(b"new"), ContentId::of(b"old"));
        let copy = |offset| Segment::Copy { content: old, offset, length: 2 };
        let plan = |recipe| ContentPlan { content: new, length: 6, recipe };
        let mut asked = Vec::new();
        let mut check = |last| {
            Proposal::check_copies(&plan(vec![copy(0), copy(4), copy(last)]), |content| {
                asked.push(content);
                Ok(Some(8))
            })
        };
        check(6).expect("all within it");
        assert!(check(7).is_err(), "the last copy goes past its end");
        assert_eq!(asked, [old, old], "once for each recipe");
    }
}
