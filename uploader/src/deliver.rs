//! [`Deliverer`]: batches become revisions of the mirror, one after another.
//!
//! Each batch: propose, fill what is missing, write down its digest, commit, acknowledge. While one is committed, the
//! next is filled, and the one after that proposed on top of it, so that the line never waits for an answer; commits stay in order, and the acknowledgement of one is written before the
//! next is sent. What single changes fail with costs those and what depends on them; the rest is proposed anew, and so
//! is whatever was prepared on top. What ends a round is an error.

use std::collections::{BTreeMap, VecDeque};

use protocol::wire::{Limits, Round};
use protocol::{Change, ContentId, Head, MirrorName, RelPath};
use seams::parallel::Parallel;
use seams::progress::Progress;

use crate::attempt::Attempt;
use crate::batch::{Batch, Beyond};
use crate::course::{Ahead, Course};
use crate::due::{Due, Outlook};
use crate::forgotten::Forgotten;
use crate::left_out::Unsettled;
use crate::offer::Offer;
use crate::volume::Volume;
use crate::{Caller, CompressionLevel, Contents, DeliverError, Ledger, LeftOut, Recipes, Why};

/// How many batches are under way at a time: one is committed, one filled, one proposed. Their contents must be readable.
pub const BATCHES_IN_HAND: usize = 3;

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
    /// Finds what need not be sent.
    pub recipes: &'a Recipes<'a>,
    /// How many frames are read, compressed and sent at a time.
    pub parallel: Parallel,
    /// How many processors there are to compress on.
    pub processors: usize,
    /// How hard to compress.
    pub compression: CompressionLevel,
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
    /// Bytes of contents that were sent, and those that needed not be.
    pub volume: Volume,
    /// Whether batches were not begun because somebody asked to stop.
    pub stopped: bool,
    /// Whether what is being delivered is sorted by path.
    in_order: bool,
    /// Places that are not as later batches take for granted.
    unsettled: Unsettled,
}

impl Deliverer<'_> {
    /// Delivers batches as [`crate::batches()`] cut them. Asked to stop, it finishes the batch in flight.
    ///
    /// Without batches nothing is sent.
    ///
    /// # Errors
    /// What ends the round; what was delivered before is in `delivery`.
    pub fn deliver(&self, batches: Vec<Vec<Change>>, delivery: &mut Delivery) -> Result<(), DeliverError> {
        let announced = batches.into_iter().map(|changes| (Due::announce(self.progress, &changes), changes));
        // All of them at once: whoever watches is to know how much there is.
        let announced: Vec<_> = announced.collect();
        self.deliver_announced(announced.into_iter(), delivery)
    }

    /// The same of batches of changes sorted by path ([`crate::in_order`]). Three of them are in memory at a time, and not
    /// each change is kept in `delivery`, but how far they came.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub fn deliver_in_order(
        &self,
        batches: impl Iterator<Item = Vec<Change>>,
        outlook: Outlook,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let foretold = outlook.foretell(self.progress);
        let announced = batches.map(|changes| (foretold.due(&changes), changes));
        delivery.in_order = true;
        let delivered = self.deliver_announced(announced, delivery);
        delivery.in_order = false;
        delivered
    }

    fn deliver_announced<'b>(
        &self,
        announced: impl Iterator<Item = (Due<'b>, Vec<Change>)>,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let standing = self.ledger.standing().map_err(DeliverError::reading)?;
        let course = Course::new(*self, standing.lineage);
        let batches = announced.map(|(due, changes)| Batch::new(changes, due));
        let delivered = course.deliver(standing.head, batches, delivery);
        delivery.volume += course.volume.so_far();
        delivered
    }
}

impl Course<'_> {
    fn deliver<'b>(
        &self,
        mut head: Head,
        batches: impl Iterator<Item = Batch<'b>>,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let mut later = batches.fuse();
        let mut waiting: VecDeque<Batch<'b>> = later.by_ref().take(BATCHES_IN_HAND).collect();
        while let Some(batch) = waiting.pop_front() {
            if self.deliverer.caller.is_stopped() {
                delivery.stopped = true;
                break;
            }
            self.deliver_batch(batch, &mut waiting, &mut head, delivery)?;
            waiting.extend(later.next());
        }
        Ok(())
    }

    /// Attempts a batch until it is durable or nothing of it is left. Each attempt but a forgotten one has fewer
    /// changes than the one before, or copies less.
    fn deliver_batch(
        &self,
        mut batch: Batch<'_>,
        later: &mut VecDeque<Batch<'_>>,
        head: &mut Head,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        batch.changes = delivery.sift(batch.changes, BTreeMap::new());
        let mut forgotten = Forgotten::default();
        while !batch.changes.is_empty() {
            match self.attempt(&mut batch, later, *head, delivery)? {
                Attempt::Durable { wanted } => return self.acknowledge(batch.changes, wanted, head, delivery),
                Attempt::Failed(failed) => batch.changes = delivery.sift(batch.changes, failed),
                Attempt::Repaired => {}
                Attempt::Forgotten(error) => forgotten.once_more(error, self.volume.so_far().sent)?,
            }
        }
        Ok(())
    }

    /// Prepares a batch, unless that was done ahead, and commits it. While that goes on, the next one is prepared.
    fn attempt(
        &self,
        batch: &mut Batch<'_>,
        later: &mut VecDeque<Batch<'_>>,
        head: Head,
        delivery: &Delivery,
    ) -> Result<Attempt, DeliverError> {
        let after = head.after(&batch.changes);
        let foreseen: Vec<Vec<Change>> = later.iter().map(|later| delivery.foresee(&later.changes)).collect();
        let prepared = match batch.prepared.take() {
            Some(prepared) if prepared.is_for(after) => prepared,
            _ => {
                let offer = batch.offer.take();
                let beyond = beyond(later, &foreseen, 0);
                let (prepared, offered) = self.prepare(batch.intent(&batch.changes, head), offer, beyond, None)?;
                keep_offer(later, 0, offered);
                prepared
            }
        };
        let ready = match prepared.into_ready() {
            Ok(ready) => ready,
            Err(attempt) => return Ok(attempt),
        };
        let batch = &*batch;
        let Some(offer) = later.front_mut().map(|next| next.offer.take()) else { return self.commit(batch, &ready) };
        let ahead = Ahead::of(self.deliverer.caller);
        let run_ahead =
            || self.prepare_ahead(later[0].intent(&foreseen[0], after), offer, beyond(later, &foreseen, 1), &ahead);
        let commit = || self.commit(batch, &ready).inspect_err(|_| ahead.end());
        let ((prepared, offered), attempt) = self.deliverer.parallel.both(run_ahead, commit);
        later[0].prepared = prepared;
        keep_offer(later, 1, offered);
        attempt
    }

    fn acknowledge(
        &self,
        changes: Vec<Change>,
        wanted: Vec<ContentId>,
        head: &mut Head,
        delivery: &mut Delivery,
    ) -> Result<(), DeliverError> {
        let after = head.after(&changes);
        self.deliverer.ledger.acknowledge(after, &changes).map_err(DeliverError::writing)?;
        tracing::debug!(revision = after.number, changes = changes.len(), "acknowledged");
        *head = after;
        delivery.head = Some(after);
        delivery.note(changes);
        delivery.wanted.extend(wanted);
        Ok(())
    }
}

/// One of the batches that come later, as it is foreseen.
fn beyond<'b>(later: &'b VecDeque<Batch<'_>>, foreseen: &'b [Vec<Change>], place: usize) -> Option<Beyond<'b>> {
    Some(Beyond { changes: foreseen.get(place)?, due: &later.get(place)?.due })
}

fn keep_offer(later: &mut VecDeque<Batch<'_>>, place: usize, offered: Option<Offer>) {
    if let Some(later) = later.get_mut(place) {
        later.offer = offered;
    }
}

impl Delivery {
    fn sift(&mut self, changes: Vec<Change>, failed: BTreeMap<usize, Why>) -> Vec<Change> {
        let (kept, left_out) = self.unsettled.sift(changes, failed);
        self.left_out.extend(left_out);
        kept
    }

    /// What is going to be left of a later batch if nothing more fails until then.
    fn foresee(&self, changes: &[Change]) -> Vec<Change> {
        self.unsettled.clone().sift(changes.to_vec(), BTreeMap::new()).0
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

#[cfg(test)]
#[path = "deliver_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "pipeline_tests.rs"]
mod pipeline_tests;
