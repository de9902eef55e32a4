//! [`Deliverer`]: batches become revisions of the mirror, one after another.
//!
//! Each batch: propose, fill what is missing, write down its digest, commit, acknowledge. What single changes fail
//! with costs those and what depends on them; the rest is proposed anew. What ends a round is an error.

use std::collections::BTreeMap;

use protocol::wire::{Commit, Committed, Limits, Missing, Propose, Proposed, Round};
use protocol::{
    Change, ContentId, ContentPlan, Head, Lineage, MirrorName, ProblemCode, Refused, RelPath, RevisionDigest,
};
use seams::parallel::Parallel;
use seams::progress::Progress;

use crate::contents::content_plans;
use crate::fill::{Filling, Unfit};
use crate::left_out::Unsettled;
use crate::{CallError, Caller, Contents, DeliverError, Ledger, LeftOut, Why};

/// How often a receiver may forget a proposal before the round gives up.
const MAX_FORGOTTEN: u32 = 4;
/// How often a commit may ask for literals again before their contents are left out.
const MAX_FILLS: u32 = 4;

/// Everything that delivering needs. Both sides must agree on the head, see [`crate::make_contact`].
#[derive(Debug, Clone, Copy)]
pub struct Deliverer<'a> {
    /// Calls the receiver.
    pub caller: &'a Caller,
    /// Which mirror.
    pub mirror: &'a MirrorName,
    /// The round that all batches belong to.
    pub round: Round,
    /// Remembers what is in flight and what is acknowledged.
    pub ledger: &'a dyn Ledger,
    /// Reads what has to be sent.
    pub contents: &'a dyn Contents,
    /// How many frames are read, compressed and sent at a time.
    pub parallel: Parallel,
    /// What the receiver takes, as it said at contact.
    pub limits: Limits,
    /// Told how it goes.
    pub progress: &'a dyn Progress,
}

/// What became of a plan. It is filled as delivery goes on, so that it is also true after an error.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Changes that are durable at the receiver and acknowledged, in order, but for those delivered in path order.
    pub delivered: Vec<Change>,
    /// Of what was delivered in path order, the last path: up to it all is durable that was not left out.
    pub reached: Option<RelPath>,
    /// Changes that are not, and why.
    pub left_out: Vec<LeftOut>,
    /// The head after the newest acknowledged batch; nothing if there was none.
    pub head: Option<Head>,
    /// Contents that the receiver found damaged and asks for again.
    pub wanted: Vec<ContentId>,
    /// Whether batches were not begun because somebody asked to stop.
    pub stopped: bool,
    /// Whether what is being delivered is sorted by path.
    in_order: bool,
    /// Places that are not as later batches take for granted.
    unsettled: Unsettled,
}

/// What one attempt at a batch came to.
enum Attempt {
    /// It is durable.
    Durable { wanted: Vec<ContentId> },
    /// Some changes fail for reasons of their own.
    Failed(BTreeMap<usize, Why>),
    /// The receiver does not know the proposal any more.
    Forgotten(CallError),
}

impl Deliverer<'_> {
    /// Delivers batches as [`crate::batches()`] cut them. Asked to stop, it finishes the batch in flight.
    ///
    /// Without batches nothing is sent.
    ///
    /// # Errors
    /// What ends the round; what was delivered before is in `delivery`.
    pub fn deliver(
        &self,
        batches: impl IntoIterator<Item = Vec<Change>>,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let standing = self.ledger.standing().map_err(DeliverError::reading)?;
        let mut mirror = Mirror { head: standing.head, lineage: standing.lineage };
        for batch in batches {
            if self.caller.is_stopped() {
                delivery.stopped = true;
                break;
            }
            self.deliver_batch(batch, &mut mirror, delivery)?;
        }
        Ok(())
    }

    /// The same of batches of changes sorted by path ([`crate::in_order`]), of which not each is kept in `delivery`, but
    /// how far they came.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub fn deliver_in_order(
        &self,
        batches: impl IntoIterator<Item = Vec<Change>>,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        delivery.in_order = true;
        let delivered = self.deliver(batches, delivery);
        delivery.in_order = false;
        delivered
    }

    /// Attempts a batch until it is durable or nothing of it is left. Each attempt but a forgotten one has fewer
    /// changes than the one before.
    fn deliver_batch(
        &self,
        batch: Vec<Change>,
        mirror: &mut Mirror,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let mut changes = delivery.sift(batch, BTreeMap::new());
        let (mut told, mut forgotten) = (false, 0);
        while !changes.is_empty() {
            match self.attempt(&changes, mirror, &mut told)? {
                Attempt::Durable { wanted } => return self.acknowledge(changes, wanted, mirror, delivery),
                Attempt::Failed(failed) => changes = delivery.sift(changes, failed),
                Attempt::Forgotten(error) if forgotten == MAX_FORGOTTEN => return Err(error.into()),
                Attempt::Forgotten(_) => forgotten += 1,
            }
        }
        Ok(())
    }

    fn attempt(&self, changes: &[Change], mirror: &Mirror, told: &mut bool) -> Result<Attempt, DeliverError> {
        let plans = content_plans(changes);
        let after = mirror.head.after(changes);
        match self.propose(changes, &plans, mirror)? {
            Proposed::Done { head } if head == after => Ok(Attempt::Durable { wanted: Vec::new() }),
            Proposed::Open { proposal, missing } if proposal == after.digest => {
                if !std::mem::replace(told, true) {
                    self.tell_size(&missing);
                }
                let proposal = Proposal { digest: proposal, changes, plans: &plans, after, lineage: mirror.lineage };
                match self.fill_and_commit(&proposal, missing) {
                    Err(DeliverError::Call(CallError::Problem(problem)))
                        if problem.code == ProblemCode::UnknownProposal =>
                    {
                        Ok(Attempt::Forgotten(CallError::Problem(problem)))
                    }
                    attempt => attempt,
                }
            }
            Proposed::Refused { refused } => refusals(refused, changes),
            Proposed::Open { .. } | Proposed::Done { .. } => Err(other_digest()),
        }
    }

    fn propose(&self, changes: &[Change], plans: &[ContentPlan], mirror: &Mirror) -> Result<Proposed, CallError> {
        self.caller.call(Propose {
            mirror: self.mirror.clone(),
            base: mirror.head,
            lineage: mirror.lineage,
            round: self.round,
            changes: changes.to_vec(),
            contents: plans.to_vec(),
        })
    }

    fn tell_size(&self, missing: &[Missing]) {
        let bytes = missing.iter().flat_map(|content| &content.ranges).map(|range| range.length);
        self.progress.to_send(missing.len() as u64, bytes.fold(0, u64::saturating_add));
    }

    fn fill_and_commit(&self, proposal: &Proposal<'_>, mut missing: Vec<Missing>) -> Result<Attempt, DeliverError> {
        for _ in 0..MAX_FILLS {
            let unfit = Filling::new(self, proposal.digest, proposal.plans).fill(&missing)?;
            if !unfit.is_empty() {
                return Ok(Attempt::Failed(proposal.naming(&unfit)));
            }
            match self.commit(proposal)? {
                Committed::Durable { head, wanted } if head == proposal.after => {
                    return Ok(Attempt::Durable { wanted });
                }
                Committed::Durable { .. } => return Err(other_digest()),
                Committed::Refused { refused } => return refusals(refused, proposal.changes),
                Committed::Incomplete { missing: again } => missing = again,
            }
        }
        let never = missing.iter().filter_map(|missing| proposal.plans.get(usize::try_from(missing.index).ok()?));
        let never: Unfit = never.map(|plan| (plan.content, Why::NeverComplete)).collect();
        failed_for(proposal.naming(&never), "a commit is incomplete, but nothing is missing")
    }

    /// The digest is written down before the commit is sent: should the answer be lost, it is recognised.
    fn commit(&self, proposal: &Proposal<'_>) -> Result<Committed, DeliverError> {
        self.ledger.note_in_flight(proposal.digest).map_err(DeliverError::writing)?;
        let (mirror, lineage) = (self.mirror.clone(), proposal.lineage);
        Ok(self.caller.call(Commit { mirror, proposal: proposal.digest, lineage })?)
    }

    fn acknowledge(
        &self,
        changes: Vec<Change>,
        wanted: Vec<ContentId>,
        mirror: &mut Mirror,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let head = mirror.head.after(&changes);
        self.ledger.acknowledge(head, &changes).map_err(DeliverError::writing)?;
        tracing::debug!(revision = head.number, changes = changes.len(), "acknowledged");
        mirror.head = head;
        delivery.head = Some(head);
        delivery.note(changes);
        delivery.wanted.extend(wanted);
        Ok(())
    }
}

/// The mirror as delivery goes on.
struct Mirror {
    head: Head,
    lineage: Lineage,
}

impl Delivery {
    fn sift(&mut self, changes: Vec<Change>, failed: BTreeMap<usize, Why>) -> Vec<Change> {
        let (kept, left_out) = self.unsettled.sift(changes, failed);
        self.left_out.extend(left_out);
        kept
    }

    /// Notes what is durable by now.
    fn note(&mut self, changes: Vec<Change>) {
        if self.in_order {
            self.reached = changes.last().map(|last| last.path().clone()).or_else(|| self.reached.take());
        } else {
            self.delivered.extend(changes);
        }
    }
}

/// An open proposal.
struct Proposal<'a> {
    digest: RevisionDigest,
    changes: &'a [Change],
    plans: &'a [ContentPlan],
    after: Head,
    lineage: Lineage,
}

impl Proposal<'_> {
    /// The changes that name contents which cannot be delivered.
    fn naming(&self, unfit: &Unfit) -> BTreeMap<usize, Why> {
        let why = |change: &Change| unfit.get(&change.entry()?.content()?.0).cloned();
        (0..).zip(self.changes).filter_map(|(index, change)| Some((index, why(change)?))).collect()
    }
}

/// The refused changes by their places in the batch.
fn refusals(refused: Vec<Refused>, changes: &[Change]) -> Result<Attempt, DeliverError> {
    let place = |index: u32| usize::try_from(index).ok().filter(|index| *index < changes.len());
    let failed: Option<BTreeMap<usize, Why>> =
        refused.into_iter().map(|Refused { index, reason }| Some((place(index)?, Why::Refused(reason)))).collect();
    failed_for(failed.unwrap_or_default(), "a refusal that names no change of its batch")
}

/// Every failure must name a change: otherwise the same batch would be attempted for ever.
fn failed_for(failed: BTreeMap<usize, Why>, otherwise: &str) -> Result<Attempt, DeliverError> {
    if failed.is_empty() {
        return Err(DeliverError::Protocol(otherwise.to_owned()));
    }
    Ok(Attempt::Failed(failed))
}

fn other_digest() -> DeliverError {
    DeliverError::Protocol("the receiver reckons another digest for the same batch".to_owned())
}

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;
