//! [`Batch`]: a batch on its way, and what was prepared of it.

use protocol::{Change, ContentPlan, Head, RevisionDigest};

use crate::attempt::Attempt;
use crate::due::Due;
use crate::offer::Offer;

/// A batch that is not durable yet.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    /// What is left of it.
    pub(crate) changes: Vec<Change>,
    /// What of its contents is still to be sent.
    pub(crate) due: Due<'a>,
    /// What was done while the batch before it was committed. Of use only if everything came as foreseen.
    pub(crate) prepared: Option<Prepared>,
    /// What came of proposing it while the one before it was filled. Of use as little as that.
    pub(crate) offer: Option<Offer>,
}

impl<'a> Batch<'a> {
    /// Nothing is prepared of it yet.
    pub(crate) fn new(changes: Vec<Change>, due: Due<'a>) -> Self {
        Self { changes, due, prepared: None, offer: None }
    }

    /// These of its changes, to be made on this head.
    pub(crate) fn intent<'b>(&'b self, changes: &'b [Change], base: Head) -> Intent<'b> {
        Intent { changes, base, due: &self.due }
    }
}

/// What of a batch is to be proposed, and on what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Intent<'a> {
    pub(crate) changes: &'a [Change],
    pub(crate) base: Head,
    pub(crate) due: &'a Due<'a>,
}

/// What is to be proposed on top of a batch whose head is not known yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beyond<'a> {
    pub(crate) changes: &'a [Change],
    pub(crate) due: &'a Due<'a>,
}

impl<'a> Beyond<'a> {
    pub(crate) fn on(self, base: Head) -> Intent<'a> {
        Intent { changes: self.changes, base, due: self.due }
    }
}

/// What came of proposing and filling a batch.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The head that the batch was to make. Equal heads mean equal changes on an equal base.
    pub(crate) after: Head,
    pub(crate) outcome: Result<Ready, Attempt>,
}

/// A proposal with everything that it needs.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) proposal: RevisionDigest,
    pub(crate) plans: Vec<ContentPlan>,
    pub(crate) after: Head,
}

impl Prepared {
    pub(crate) fn is_for(&self, after: Head) -> bool {
        self.after == after
    }

    /// What can be committed; or what came of the attempt already.
    pub(crate) fn into_ready(self) -> Result<Ready, Attempt> {
        self.outcome
    }
}
