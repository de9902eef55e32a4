//! [`Offer`]: a batch that the receiver knows of, and what it lacks of it.

use std::collections::HashSet;

use protocol::wire::{Missing, Propose, Proposed};
use protocol::{ContentId, ContentPlan, Head, Problem, ProblemCode, RevisionDigest};

use crate::attempt::{Attempt, other_digest, refusals};
use crate::batch::Intent;
use crate::course::Course;
use crate::{CallError, DeliverError, Deliverer};

/// What came of proposing a batch.
#[derive(Debug)]
pub(crate) struct Offer {
    /// The head that the batch is to make. Equal heads mean equal changes on an equal base.
    pub(crate) after: Head,
    /// What is open; or what came of the attempt already.
    pub(crate) answer: Result<Open, Attempt>,
}

/// A proposal that is to be filled.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) proposal: RevisionDigest,
    pub(crate) plans: Vec<ContentPlan>,
    pub(crate) missing: Vec<Missing>,
}

impl Open {
    fn plan(&self, missing: &Missing) -> Option<&ContentPlan> {
        usize::try_from(missing.index).ok().and_then(|index| self.plans.get(index))
    }

    /// The contents of which something is missing.
    fn lacking(&self) -> HashSet<ContentId> {
        self.missing.iter().filter_map(|missing| Some(self.plan(missing)?.content)).collect()
    }

    /// What is on its way with an earlier batch need not be sent again. Should it not arrive after all, the commit of
    /// this one asks for it.
    fn without_what_comes_with(&mut self, before: &HashSet<ContentId>) {
        let mut missing = std::mem::take(&mut self.missing);
        missing.retain(|missing| self.plan(missing).is_none_or(|plan| !before.contains(&plan.content)));
        self.missing = missing;
    }
}

impl Course<'_> {
    /// Proposes a batch.
    pub(crate) fn offer(&self, intent: Intent<'_>) -> Result<Offer, DeliverError> {
        let after = intent.base.after(intent.changes);
        let plans = self.deliverer.recipes.plans(intent.changes, self.deliverer.caller, self.deliverer.mirror)?;
        let proposed = match self.propose(intent, &plans) {
            Err(CallError::Problem(problem)) if self.lacks_sources(&problem, &plans) => {
                return Ok(Offer { after, answer: Err(Attempt::Repaired) });
            }
            proposed => proposed?,
        };
        let answer = match proposed {
            Proposed::Done { head } if head == after => Err(Attempt::Durable { wanted: Vec::new() }),
            Proposed::Open { proposal, missing } if proposal == after.digest => Ok(Open { proposal, plans, missing }),
            Proposed::Refused { refused } => Err(refusals(refused, intent.changes)?),
            Proposed::Open { .. } | Proposed::Done { .. } => return Err(other_digest()),
        };
        Ok(Offer { after, answer })
    }

    /// The same on top of a batch that is being filled, so that the line has something to carry as soon as that is
    /// done. Whatever goes wrong is found out again when its turn comes.
    pub(crate) fn offer_beyond(&self, intent: Intent<'_>, before: &Open) -> Option<Offer> {
        if intent.changes.is_empty() {
            return None;
        }
        let offered = self.offer(intent);
        let mut offer = offered.inspect_err(|error| tracing::debug!(%error, "proposing ahead")).ok()?;
        if let Ok(open) = &mut offer.answer {
            open.without_what_comes_with(&before.lacking());
        }
        Some(offer)
    }

    fn propose(&self, intent: Intent<'_>, plans: &[ContentPlan]) -> Result<Proposed, CallError> {
        let Deliverer { caller, mirror, round, .. } = self.deliverer;
        caller.call(Propose {
            mirror: mirror.clone(),
            base: intent.base,
            lineage: self.lineage,
            round,
            changes: intent.changes.to_vec(),
            contents: plans.to_vec(),
        })
    }

    /// Whether the receiver has not got what the recipes copy from. Then the contents are literal from now on.
    fn lacks_sources(&self, problem: &Problem, plans: &[ContentPlan]) -> bool {
        problem.code == ProblemCode::NotFound && self.deliverer.recipes.give_up_copies(plans)
    }
}
