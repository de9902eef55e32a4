//! Sending again what the receiver found damaged: asked for, verified at its source, filled, put in place. No revision
//! comes of it.

use std::fmt::Debug;

use protocol::limits::{MAX_WANTED, TARGET_BATCH_BYTES};
use protocol::wire::{Mend, Mended, Wanted};
use protocol::{ContentId, ContentPlan, ProblemCode, Segment};

use crate::course::Course;
use crate::due::{Due, bytes_of};
use crate::fill::Filling;
use crate::repair::{without, wrong_copies};
use crate::{CallError, DeliverError, Deliverer, Volume};

/// Longer contents are offered as copies of their own damaged selves, so that only bad ranges of them travel.
const LEAST_IN_PIECES: u64 = 4 * 1024 * 1024;
/// How long such a range is at least, and how many a content has at most.
const PIECE_BYTES: u64 = 1024 * 1024;
const MOST_PIECES: u64 = 4_096;
/// How often a set of contents is offered before what is left of it waits for another round.
const MOST_OFFERS: u32 = 64;

/// Which wanted contents the source has.
pub trait Offers: Debug + Sync {
    /// Those of a page that can be sent: their files were read to the end just now, and have them. Until the next page,
    /// the deliverer's contents read these.
    fn choose(&self, wanted: &[Wanted]) -> Vec<Wanted>;
}

/// What came of mending.
#[derive(Debug, Default)]
pub struct Mending {
    /// Damaged files that were put right.
    pub places: u64,
    /// What is wanted and could not be sent.
    pub unmet: Vec<Wanted>,
    /// Bytes that were sent.
    pub volume: Volume,
}

impl Deliverer<'_> {
    /// Asks what is wanted and sends it, a page at a time. Both sides must agree on the head.
    ///
    /// # Errors
    /// What ends the round; what was put right before is.
    pub fn mend(&self, offers: &dyn Offers) -> Result<Mending, DeliverError> {
        let standing = self.ledger.standing().map_err(DeliverError::reading)?;
        let course = Course::new(*self, standing.lineage);
        let mut mending = Mending::default();
        let mended = course.mend_pages(offers, &mut mending);
        mending.volume = course.volume.so_far();
        mended.map(|()| mending)
    }
}

impl Course<'_> {
    fn mend_pages(&self, offers: &dyn Offers, mending: &mut Mending) -> Result<(), DeliverError> {
        let mut after = None;
        while !self.deliverer.caller.is_stopped() {
            let Some(page) = self.wanted(after, mending)? else { return Ok(()) };
            let Some(last) = page.last().map(|wanted| wanted.content) else { return Ok(()) };
            let is_last = page.len() < MAX_WANTED;
            let chosen = offers.choose(&page);
            for portion in portions(&chosen) {
                self.mend_portion(portion, mending)?;
            }
            let is_left = |wanted: &Wanted| !chosen.iter().any(|chosen| chosen.content == wanted.content);
            let room = MAX_WANTED.saturating_sub(mending.unmet.len());
            mending.unmet.extend(page.into_iter().filter(is_left).take(room));
            if is_last {
                return Ok(());
            }
            after = Some(last);
        }
        Ok(())
    }

    /// A page of what is wanted, once the receiver has helped itself as far as it can; nothing from one that knows of
    /// none of this.
    fn wanted(&self, after: Option<ContentId>, mending: &mut Mending) -> Result<Option<Vec<Wanted>>, DeliverError> {
        loop {
            match self.ask_to_mend(Vec::new(), after) {
                Err(CallError::Problem(problem)) if problem.code == ProblemCode::NotFound => return Ok(None),
                answer => {
                    let Mended { places, wanted, more, .. } = answer?;
                    mending.places += places;
                    if !more {
                        return Ok(Some(wanted));
                    }
                }
            }
        }
    }

    fn ask_to_mend(&self, contents: Vec<ContentPlan>, after: Option<ContentId>) -> Result<Mended, CallError> {
        let (mirror, lineage) = (self.deliverer.mirror.clone(), self.lineage);
        self.deliverer.caller.call(Mend { mirror, lineage, contents, after })
    }

    /// Sends some contents and has them put in place. What changes meanwhile is left out.
    fn mend_portion(&self, portion: &[Wanted], mending: &mut Mending) -> Result<(), DeliverError> {
        let plans: Vec<ContentPlan> = portion.iter().map(in_pieces).collect();
        let total = plans.iter().map(|plan| plan.length).fold(0, u64::saturating_add);
        let due = Due::of(self.deliverer.progress, plans.len() as u64, total);
        let mut portion = Portion { course: self, plans, due };
        for _ in 0..MOST_OFFERS {
            if portion.plans.is_empty() {
                break;
            }
            let Some(mended) = portion.offer()? else { continue };
            mending.places += mended.places;
            if mended.missing.is_empty() && mended.mismatched.is_empty() && !mended.more {
                break;
            }
            let Some(mut unfit) = portion.fill(&mended)? else { continue };
            unfit.extend(portion.repair(&mended)?);
            portion.plans.retain(|plan| !unfit.contains(&plan.content));
        }
        Ok(())
    }
}

/// Contents that are offered together.
struct Portion<'a> {
    course: &'a Course<'a>,
    plans: Vec<ContentPlan>,
    due: Due<'a>,
}

impl Portion<'_> {
    /// Offers them; nothing where there is nothing to copy from: all of it is literal from then on.
    fn offer(&mut self) -> Result<Option<Mended>, DeliverError> {
        // What is wanted besides is of no interest here.
        let nothing_more = Some(ContentId::from_bytes([0xff; 32]));
        match self.course.ask_to_mend(self.plans.clone(), nothing_more) {
            Err(CallError::Problem(problem)) if problem.code == ProblemCode::NotFound && copies(&self.plans) => {
                self.plans.iter_mut().for_each(|plan| plan.recipe.clear());
                Ok(None)
            }
            answer => Ok(Some(answer?)),
        }
    }

    /// Makes the wrong pieces of what came out wrong literal. Answers contents that nothing helps: their files changed.
    fn repair(&mut self, mended: &Mended) -> Result<Vec<ContentId>, DeliverError> {
        let contents = self.course.deliverer.contents;
        let mut unfit = Vec::new();
        for mismatch in &mended.mismatched {
            let plan = usize::try_from(mismatch.index).ok().and_then(|index| self.plans.get_mut(index));
            let plan = plan.ok_or_else(|| DeliverError::Protocol("a content that nobody offered".to_owned()))?;
            match wrong_copies(&plan.content, &mismatch.copied, contents) {
                Ok(wrong) if !plan.recipe.is_empty() && !wrong.is_empty() => plan.recipe = without(plan, &wrong),
                Ok(_) if !plan.recipe.is_empty() => plan.recipe.clear(),
                Ok(_) | Err(_) => unfit.push(plan.content),
            }
        }
        Ok(unfit)
    }

    /// Sends what is missing. Answers contents that cannot be had any more; nothing where all is to be offered anew.
    fn fill(&mut self, mended: &Mended) -> Result<Option<Vec<ContentId>>, DeliverError> {
        if mended.missing.is_empty() {
            return Ok(Some(Vec::new()));
        }
        self.due.answered(bytes_of(&mended.missing));
        let filled = Filling::new(self.course, &self.due, mended.proposal, &self.plans).fill(&mended.missing);
        let filled = match filled {
            // A restart of the receiver: what arrived is kept, and not missing when it is offered again.
            Err(DeliverError::Call(CallError::Problem(problem))) if problem.code == ProblemCode::UnknownProposal => {
                return Ok(None);
            }
            filled => filled?,
        };
        if filled.repaired {
            self.plans.iter_mut().for_each(|plan| plan.recipe.clear());
            return Ok(None);
        }
        Ok(Some(filled.unfit.into_keys().collect()))
    }
}

fn copies(plans: &[ContentPlan]) -> bool {
    plans.iter().any(|plan| !plan.recipe.is_empty())
}

/// Contents that are offered together.
fn portions(wanted: &[Wanted]) -> impl Iterator<Item = &[Wanted]> {
    let mut rest = wanted;
    std::iter::from_fn(move || {
        let mut bytes = 0u64;
        let fits = |wanted: &&Wanted| {
            bytes = bytes.saturating_add(wanted.length);
            bytes <= TARGET_BATCH_BYTES
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (portion, after) = rest.split_at(count);
        rest = after;
        (!portion.is_empty()).then_some(portion)
    })
}

/// A long content as copies of itself, where it is damaged.
fn in_pieces(wanted: &Wanted) -> ContentPlan {
    let Wanted { content, length, .. } = *wanted;
    let piece = PIECE_BYTES.max(length.div_ceil(MOST_PIECES));
    let mut recipe = Vec::new();
    let mut offset = 0;
    while length >= LEAST_IN_PIECES && offset < length {
        let length = piece.min(length - offset);
        recipe.push(Segment::Copy { content, offset, length });
        offset += length;
    }
    ContentPlan { content, length, recipe }
}

#[cfg(test)]
mod tests {
    use protocol::RelPath;

    use super::*;

    fn wanted(length: u64) -> Wanted {
        Wanted { content: ContentId::of(b"x"), length, path: RelPath::parse(b"p").expect("valid") }
    }

    #[test]
    fn a_long_content_is_offered_as_a_bounded_number_of_pieces_that_make_its_length() {
        for length in [0, 1, LEAST_IN_PIECES - 1, LEAST_IN_PIECES, LEAST_IN_PIECES + 1, 1 << 40] {
            let plan = in_pieces(&wanted(length));
            assert!(plan.is_complete() && plan.recipe.len() as u64 <= MOST_PIECES, "{length}");
            assert_eq!(plan.recipe.is_empty(), length < LEAST_IN_PIECES, "{length}");
        }
    }

    #[test]
    fn portions_are_all_of_it_in_order_and_none_is_much_too_large() {
        let all = [1, TARGET_BATCH_BYTES, 1, 1, 5 * TARGET_BATCH_BYTES, 7].map(wanted);
        let counts: Vec<usize> = portions(&all).map(<[Wanted]>::len).collect();
        assert_eq!(counts, [1, 1, 2, 1, 1]);
        assert_eq!(portions(&[]).count(), 0);
    }
}
