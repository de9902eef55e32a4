//! Proposals and fills: what a batch needs, and taking it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::wire::{CopiedRange, Fill, Filled, Mismatch, Propose, Proposed};
use protocol::{ByteRange, ContentId, ContentPlan, Problem};

use crate::catalog::Node;
use crate::store::frame::Frame;
use crate::store::proposal::{FirstUse, Proposal, check_pieces, missing_of};
use crate::store::range_set::RangeSet;
use crate::store::rules::{head_moved, judge_writer, malformed, too_large, unknown_proposal};
use crate::tree_store::arriving::MAX_RANGES;
use crate::tree_store::assemble::MAX_ASSEMBLED_BYTES;
use crate::tree_store::client::ClientStore;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::plan::Plan;
use crate::tree_store::problems::disk;
use crate::tree_store::room::Needs;
use crate::tree_store::staged::Staged;
use crate::tree_store::staging::lock;

/// What is lacking of a content.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    /// Literals that have not arrived.
    pub(super) literals: Vec<ByteRange>,
    /// Bytes that are to be copied.
    copied: u64,
}

impl Lacking {
    fn of(plan: &ContentPlan, have: &RangeSet) -> Self {
        let copies = plan.recipe.iter().filter(|segment| segment.source().is_some());
        let copied = copies.fold(0u64, |sum, segment| sum.saturating_add(segment.length()));
        Self { literals: RangeSet::of(plan.literals()).without(have), copied }
    }

    /// Bytes that it will take on the disk. Zeros are holes. Copies may come to share blocks, but need not.
    pub(super) fn room(&self) -> u64 {
        self.literals.iter().fold(self.copied, |sum, range| sum.saturating_add(range.length))
    }
}

impl ClientStore {
    pub(super) fn propose(&self, request: &Propose, min_free: u64) -> Result<Proposed, Problem> {
        let proposal = Proposal::check(request)?;
        let mirror = self.mirror(&request.mirror)?;
        if let Some(answer) = self.judge(&mirror, &proposal)? {
            if matches!(answer, Proposed::Done { .. }) {
                self.redo_before_telling(&mirror)?;
            }
            return Ok(answer);
        }
        self.sweep_if_due()?;
        let _until_pinned = self.until_pinned();
        let mut needs = Needs::default();
        let known = self.catalog().known_among(proposal.contents.iter().map(|plan| plan.content))?;
        let copyable = self.copyable_lengths(&proposal.contents)?;
        let missing = missing_of(&proposal, |plan| {
            let copied = |content| Ok(copyable.get(&content).copied());
            let lacking = self.lacking_of(plan, known.contains(&plan.content), copied)?;
            needs.add(plan.content, lacking.room());
            Ok(lacking.literals)
        })?;
        let refused = self.check_room(&proposal.changes, &needs, min_free)?;
        if !refused.is_empty() {
            return Ok(Proposed::Refused { refused });
        }
        let digest = proposal.result.digest;
        mirror.proposals().keep(Arc::new(proposal), self.clock.since_boot());
        Ok(Proposed::Open { proposal: digest, missing })
    }

    /// Answers a proposal that needs nothing more, or cannot be.
    fn judge(&self, mirror: &Mirror, proposal: &Proposal) -> Result<Option<Proposed>, Problem> {
        let catalog = self.catalog();
        let (head, _, _) = catalog.head(mirror.id)?;
        if head == proposal.result {
            return Ok(Some(Proposed::Done { head }));
        }
        judge_writer(proposal.base, catalog.superseded_at(mirror.id, proposal.lineage)?)?;
        if head != proposal.base {
            let runs_ahead = mirror.proposals().would_make(proposal.base);
            return if runs_ahead { Ok(None) } else { Err(head_moved(&mirror.name, head, proposal.base)) };
        }
        // Only whether it can be applied is asked: these numbers are given to nothing.
        let mut unused = i64::MAX;
        let mut next_node = || {
            unused -= 1;
            Node(unused)
        };
        let planned =
            catalog.together(|catalog| Plan::make(catalog, mirror.root, &proposal.changes, &mut next_node))?;
        let refused = match planned {
            Err(refused) => refused,
            Ok(_) => self.not_storable(&proposal.changes)?,
        };
        Ok((!refused.is_empty()).then_some(Proposed::Refused { refused }))
    }

    /// What is lacking of a content that is not held.
    pub(super) fn lacking(&self, plan: &ContentPlan) -> Result<Lacking, Problem> {
        self.lacking_of(plan, true, |content| self.copyable_length(content))
    }

    /// The same; a content that is not `known` cannot be held. `copied` tells the lengths of what may be copied from.
    fn lacking_of(
        &self,
        plan: &ContentPlan,
        known: bool,
        copied: impl FnMut(ContentId) -> Result<Option<u64>, Problem>,
    ) -> Result<Lacking, Problem> {
        if known && Proposal::is_held(plan, self.held_length(plan.content)?)? {
            return Ok(Lacking::default());
        }
        Proposal::check_copies(plan, copied)?;
        let Some(slot) = self.staging.existing(plan.content) else {
            return Ok(Lacking::of(plan, &RangeSet::default()));
        };
        let mut staged = lock(&slot);
        staged.look(&self.staging, plan.content).map_err(disk("look at what is staged"))?;
        if Proposal::is_held(plan, staged.whole_length())? {
            return Ok(Lacking::default());
        }
        Ok(Lacking::of(plan, &staged.have()))
    }

    pub(super) fn fill(&self, request: &Fill) -> Result<Filled, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let open = mirror.proposals().find(request.proposal);
        let proposal = open.ok_or_else(|| unknown_proposal(&request.mirror))?;
        check_pieces(&proposal, &request.pieces)?;
        let frame = Frame::unpack(request)?;
        let mut by_content: BTreeMap<u32, Vec<(u64, &[u8])>> = BTreeMap::new();
        for (piece, bytes) in frame.pieces() {
            by_content.entry(piece.index).or_default().push((piece.offset, bytes));
        }
        let contents = by_content.keys().filter_map(|index| Some(proposal.plan(*index)?.content));
        let known = self.catalog().known_among(contents)?;
        let mut mismatched = Vec::new();
        for (index, pieces) in by_content {
            let plan = proposal.plan(index).ok_or_else(|| malformed("a piece of no content"))?;
            if known.contains(&plan.content) && self.held_length(plan.content)?.is_some() {
                continue;
            }
            let usage = proposal.first_use(index).ok_or_else(|| malformed("a piece of no content"))?;
            mismatched.extend(self.take_pieces(plan, usage, &pieces)?.map(|copied| Mismatch { index, copied }));
        }
        Ok(Filled { mismatched, ..Filled::default() })
    }

    /// Takes pieces of a content that is not held, and makes it whole with the last of them. What it copied is answered
    /// if the result is not what its id says.
    fn take_pieces(
        &self,
        plan: &ContentPlan,
        usage: FirstUse,
        pieces: &[(u64, &[u8])],
    ) -> Result<Option<Vec<CopiedRange>>, Problem> {
        let failed = disk("keep what arrives");
        let slot = self.staging.slot(plan.content);
        let mut staged = lock(&slot);
        staged.look(&self.staging, plan.content).map_err(&failed)?;
        if staged.whole_length().is_some() {
            return Ok(None);
        }
        // What comes out wrong is put together on the disk as well: that finds out what was wrong.
        if let Some(bytes) = self.at_once(plan, pieces)?
            && staged.put_whole(&self.staging, plan.content, &bytes, usage).map_err(&failed)?
        {
            return Ok(None);
        }
        self.write_pieces(plan, &mut staged, pieces)?;
        let lacking = RangeSet::of(plan.literals()).without(&staged.have());
        // What takes more than one request is left to the commit: asking for that again sends no frame again.
        let is_soon_done = plan.length.saturating_sub(staged.prefix_length()) <= MAX_ASSEMBLED_BYTES;
        if lacking.is_empty() && is_soon_done { self.assemble(plan, &mut staged) } else { Ok(None) }
    }

    fn write_pieces(&self, plan: &ContentPlan, staged: &mut Staged, pieces: &[(u64, &[u8])]) -> Result<(), Problem> {
        let failed = disk("keep what arrives");
        let arriving = staged.begin(&self.staging, plan.content).map_err(&failed)?;
        if arriving.have.len() + pieces.len() > MAX_RANGES {
            return Err(too_large("a content arrives in too many scattered pieces"));
        }
        arriving.write(&**self.staging.directory(), plan.length, pieces).map_err(&failed)
    }
}
