//! One attempt at a batch: prepare it (propose, fill what is missing), then commit it.

use std::collections::BTreeMap;

use protocol::wire::{Commit, Committed, Mismatch};
use protocol::{Change, ContentId, ContentPlan, ProblemCode, Refused};

use crate::batch::{Batch, Beyond, Intent, Prepared, Ready};
use crate::course::{Ahead, Course};
use crate::due::bytes_of;
use crate::fill::{Filled, Filling, Unfit};
use crate::offer::Offer;
use crate::{CallError, DeliverError, Deliverer, Why};

/// How often a commit may ask for literals again before their contents are left out.
pub(crate) const MAX_FILLS: u32 = 4;

/// What one attempt at a batch came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It is durable.
    Durable { wanted: Vec<ContentId> },
    /// Some changes fail for reasons of their own.
    Failed(BTreeMap<usize, Why>),
    /// Recipes were wrong, and are others by now.
    Repaired,
    /// The receiver does not know the proposal any more.
    Forgotten(CallError),
}

impl Course<'_> {
    /// Proposes a batch, unless that was done ahead, and fills it. Meanwhile the one `beyond` it is proposed.
    pub(crate) fn prepare(
        &self,
        intent: Intent<'_>,
        offer: Option<Offer>,
        beyond: Option<Beyond<'_>>,
        ahead: Option<&Ahead<'_>>,
    ) -> Result<(Prepared, Option<Offer>), DeliverError> {
        let after = intent.base.after(intent.changes);
        let offer = match offer {
            Some(offer) if offer.after == after => offer,
            _ => self.offer(intent)?,
        };
        let open = match offer.answer {
            Ok(open) => open,
            Err(attempt) => {
                if matches!(attempt, Attempt::Durable { .. }) {
                    self.volume.reused(intent.due.answered(0));
                }
                return Ok((Prepared { after, outcome: Err(attempt) }, None));
            }
        };
        self.volume.reused(intent.due.answered(bytes_of(&open.missing)));
        let filling = Filling::new(self, intent.due, open.proposal, &open.plans).ahead(ahead);
        let is_vain = || ahead.map_or_else(|| self.deliverer.caller.is_stopped(), Ahead::is_vain);
        let offer_beyond = || self.offer_beyond(beyond.filter(|_| !is_vain())?.on(after), &open);
        let (filled, offered) = self.deliverer.parallel.both(|| filling.fill(&open.missing), offer_beyond);
        let outcome = match filled {
            Ok(filled) => match unfilled(&filled, intent.changes) {
                Some(attempt) => Err(attempt),
                None => Ok(Ready { proposal: open.proposal, plans: open.plans, after }),
            },
            Err(error) => Err(forgotten(error)?),
        };
        Ok((Prepared { after, outcome }, offered))
    }

    /// Whether any of the recipes that were wrong is another one by now. What changed meanwhile, or cannot be read, is
    /// found out when it is sent.
    fn repair(&self, plans: &[ContentPlan], mismatched: &[Mismatch]) -> bool {
        let Deliverer { recipes, contents, .. } = self.deliverer;
        let mut repaired = false;
        for mismatch in mismatched {
            let plan = usize::try_from(mismatch.index).ok().and_then(|index| plans.get(index));
            repaired |= plan.is_some_and(|plan| recipes.repair(plan, mismatch, contents).unwrap_or(false));
        }
        repaired
    }

    /// The same on top of a batch that is being committed. Whatever goes wrong, nothing is lost: the batch is prepared
    /// again when its turn comes, what has arrived is not missing then, and what still fails is told.
    pub(crate) fn prepare_ahead(
        &self,
        intent: Intent<'_>,
        offer: Option<Offer>,
        beyond: Option<Beyond<'_>>,
        ahead: &Ahead<'_>,
    ) -> (Option<Prepared>, Option<Offer>) {
        if intent.changes.is_empty() || ahead.is_vain() {
            return (None, None);
        }
        let prepared = self.prepare(intent, offer, beyond, Some(ahead));
        let prepared = prepared.inspect_err(|error| tracing::debug!(%error, "running ahead")).ok();
        prepared.filter(|_| !ahead.is_vain()).map_or((None, None), |(prepared, offer)| (Some(prepared), offer))
    }

    /// Commits what is ready. Where literals are asked for again, they are sent again.
    pub(crate) fn commit(&self, batch: &Batch<'_>, ready: &Ready) -> Result<Attempt, DeliverError> {
        let mut missing = Vec::new();
        for fills in 1..=MAX_FILLS {
            let committed = match self.send_commit(ready) {
                Ok(committed) => committed,
                Err(error) => return forgotten(error),
            };
            missing = match committed {
                Committed::Durable { head, wanted } if head == ready.after => return Ok(Attempt::Durable { wanted }),
                Committed::Durable { .. } => return Err(other_digest()),
                Committed::Refused { refused } => return refusals(refused, &batch.changes),
                Committed::Incomplete { mismatched, .. } if self.repair(&ready.plans, &mismatched) => {
                    return Ok(Attempt::Repaired);
                }
                Committed::Incomplete { missing, .. } => missing,
            };
            if fills == MAX_FILLS {
                break;
            }
            batch.due.answered(bytes_of(&missing));
            match Filling::new(self, &batch.due, ready.proposal, &ready.plans).fill(&missing) {
                Ok(filled) => {
                    if let Some(attempt) = unfilled(&filled, &batch.changes) {
                        return Ok(attempt);
                    }
                }
                Err(error) => return forgotten(error),
            }
        }
        let never = missing.iter().filter_map(|missing| ready.plans.get(usize::try_from(missing.index).ok()?));
        let never: Unfit = never.map(|plan| (plan.content, Why::NeverComplete)).collect();
        failed_for(naming(&never, &batch.changes), "a commit is incomplete, but nothing is missing")
    }

    /// The digest is written down before the commit is sent: should the answer be lost, it is recognised.
    fn send_commit(&self, ready: &Ready) -> Result<Committed, DeliverError> {
        self.deliverer.ledger.note_in_flight(ready.proposal).map_err(DeliverError::writing)?;
        let (mirror, lineage) = (self.deliverer.mirror.clone(), self.lineage);
        Ok(self.deliverer.caller.call(Commit { mirror, proposal: ready.proposal, lineage })?)
    }
}

/// Whether an error only says that the receiver does not know the proposal any more.
fn forgotten(error: DeliverError) -> Result<Attempt, DeliverError> {
    match error {
        DeliverError::Call(CallError::Problem(problem)) if problem.code == ProblemCode::UnknownProposal => {
            Ok(Attempt::Forgotten(CallError::Problem(problem)))
        }
        error => Err(error),
    }
}

/// What came of an attempt whose proposal could not be filled.
fn unfilled(filled: &Filled, changes: &[Change]) -> Option<Attempt> {
    if !filled.unfit.is_empty() {
        return Some(Attempt::Failed(naming(&filled.unfit, changes)));
    }
    filled.repaired.then_some(Attempt::Repaired)
}

/// The changes that name contents which cannot be delivered.
fn naming(unfit: &Unfit, changes: &[Change]) -> BTreeMap<usize, Why> {
    let why = |change: &Change| unfit.get(&change.entry()?.content()?.0).cloned();
    (0..).zip(changes).filter_map(|(index, change)| Some((index, why(change)?))).collect()
}

/// The refused changes by their places in the batch.
pub(crate) fn refusals(refused: Vec<Refused>, changes: &[Change]) -> Result<Attempt, DeliverError> {
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

pub(crate) fn other_digest() -> DeliverError {
    DeliverError::Protocol("the receiver reckons another digest for the same batch".to_owned())
}
