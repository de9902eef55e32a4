//! The contents of one client: whole ones, and those that are arriving.

use std::collections::HashMap;
use std::sync::Arc;

use protocol::wire::{CopiedRange, Filled, Mismatch, Missing};
use protocol::{ByteRange, ContentId, ContentPlan, Problem, ProblemCode, Segment};

use crate::store::frame::Frame;
use crate::store::proposal::{Proposal, missing_of};
use crate::store::range_set::RangeSet;

#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Whole and verified; the empty content needs nobody to send it.
    whole: HashMap<ContentId, Arc<[u8]>>,
    arriving: HashMap<ContentId, Arriving>,
}

#[derive(Debug, Default)]
struct Arriving {
    bytes: Vec<u8>,
    have: RangeSet,
}

impl Contents {
    fn length(&self, content: ContentId) -> Option<u64> {
        self.whole.get(&content).map(|bytes| bytes.len() as u64)
    }

    /// What a proposal still needs.
    pub(super) fn missing(&self, proposal: &Proposal) -> Result<Vec<Missing>, Problem> {
        missing_of(proposal, |plan| {
            if Proposal::is_held(plan, self.length(plan.content))? {
                return Ok(Vec::new());
            }
            Proposal::check_copies(plan, |content| Ok(self.length(content)))?;
            Ok(self.lacking(plan))
        })
    }

    fn lacking(&self, plan: &ContentPlan) -> Vec<ByteRange> {
        let nothing = RangeSet::default();
        let have = self.arriving.get(&plan.content).map_or(&nothing, |arriving| &arriving.have);
        RangeSet::of(plan.literals()).without(have)
    }

    /// Takes a frame; contents that became whole and are not what their id says are named and thrown away.
    pub(super) fn fill(&mut self, proposal: &Proposal, frame: &Frame<'_>) -> Result<Filled, Problem> {
        let mut touched = Vec::new();
        for (piece, bytes) in frame.pieces() {
            let plan = proposal.content_of(piece)?;
            if !self.whole.contains_key(&plan.content) {
                self.arriving.entry(plan.content).or_default().write(piece.offset, bytes)?;
                touched.push(piece.index);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        let mut mismatched = Vec::new();
        for index in touched {
            let plan = proposal.plan(index).expect("a piece of it was taken above");
            if self.lacking(plan).is_empty() {
                mismatched.extend(self.make(plan)?.map(|copied| Mismatch { index, copied }));
            }
        }
        Ok(Filled { mismatched })
    }

    /// Makes whole what has all its literals; answers what came out wrong.
    pub(super) fn make_all(&mut self, proposal: &Proposal) -> Result<Vec<Mismatch>, Problem> {
        let mut mismatched = Vec::new();
        for (index, plan) in (0u32..).zip(&proposal.contents) {
            if !self.whole.contains_key(&plan.content) {
                mismatched.extend(self.make(plan)?.map(|copied| Mismatch { index, copied }));
            }
        }
        Ok(mismatched)
    }

    /// All bytes of a content that is whole.
    pub(super) fn whole(&self, content: ContentId) -> Option<&[u8]> {
        self.whole.get(&content).map(|bytes| &bytes[..])
    }

    /// Puts a content together. What it copied is answered if the result is not what the id says.
    fn make(&mut self, plan: &ContentPlan) -> Result<Option<Vec<CopiedRange>>, Problem> {
        let Arriving { mut bytes, .. } = self.arriving.remove(&plan.content).unwrap_or_default();
        grow(&mut bytes, plan.length)?;
        let mut copied = Vec::new();
        for (range, segment) in plan.segments() {
            if let Segment::Copy { content, offset, length } = segment {
                let source = self.read(content, offset, length);
                bytes[span(range)].copy_from_slice(&source);
                copied.push(CopiedRange { range, digest: ContentId::of(&source) });
            }
        }
        if ContentId::of(&bytes) != plan.content {
            return Ok(Some(copied));
        }
        self.whole.insert(plan.content, bytes.into());
        Ok(None)
    }

    /// The bytes of a content from `offset` on, at most `length`.
    pub(super) fn read(&self, content: ContentId, offset: u64, length: u64) -> Vec<u8> {
        let bytes = self.whole.get(&content).map_or(&[][..], |bytes| bytes);
        let clamp = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        bytes[clamp(offset)..clamp(offset.saturating_add(length))].to_vec()
    }
}

impl Arriving {
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Problem> {
        let range = ByteRange { offset, length: bytes.len() as u64 };
        let end = range.end().expect("a piece within a content ends within it");
        grow(&mut self.bytes, end)?;
        self.bytes[span(range)].copy_from_slice(bytes);
        self.have.insert(range);
        Ok(())
    }
}

/// Extends with zeros to at least `length`.
fn grow(bytes: &mut Vec<u8>, length: u64) -> Result<(), Problem> {
    let no_space = || Problem::new(ProblemCode::NoSpace, "a content does not fit into memory");
    let length = usize::try_from(length).map_err(|_| no_space())?;
    let more = length.saturating_sub(bytes.len());
    bytes.try_reserve(more).map_err(|_| no_space())?;
    bytes.resize(bytes.len() + more, 0);
    Ok(())
}

fn span(range: ByteRange) -> std::ops::Range<usize> {
    let place = |at: u64| usize::try_from(at).expect("it was made to fit into memory");
    place(range.offset)..place(range.offset + range.length)
}
