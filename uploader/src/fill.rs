//! Filling a proposal: frames are read, compressed and sent by several threads.
//!
//! Memory is bounded by the threads: each holds one frame twice at most (4 MiB raw and compressed, then compressed and
//! encoded), and each processor a compressor: 4 transfers on 2 processors come to 32 MiB and 32 MiB at level 9. While a
//! batch is committed the next one is filled; where that commit asks for literals again, both are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use protocol::wire::{Compression, Fill, Mismatch, Missing};
use protocol::{ByteRange, ContentId, ContentPlan, Piece, RevisionDigest};
use seams::parallel::Parallel;

use crate::course::{Ahead, Course};
use crate::due::{Due, bytes_of};
use crate::frames::{Frame, FrameSize, frames, is_resumed};
use crate::packer::Load;
use crate::{CallError, ContentError, DeliverError, Deliverer, Why};

/// The contents of a proposal that turned out not to be deliverable.
pub(crate) type Unfit = BTreeMap<ContentId, Why>;

/// What came of filling a proposal.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    pub(crate) unfit: Unfit,
    /// Whether recipes were wrong and are others by now: then it is to be proposed anew.
    pub(crate) repaired: bool,
}

/// One proposal being filled.
pub(crate) struct Filling<'a> {
    deliverer: &'a Deliverer<'a>,
    course: &'a Course<'a>,
    due: &'a Due<'a>,
    /// What may make it vain, where it runs ahead of a commit.
    ahead: Option<&'a Ahead<'a>>,
    load: Load,
    proposal: RevisionDigest,
    plans: &'a [ContentPlan],
    unfit: Mutex<Unfit>,
    repaired: AtomicBool,
    failed: Mutex<Option<CallError>>,
    /// Whether `failed` holds something: then no further frame is begun.
    given_up: AtomicBool,
}

impl<'a> Filling<'a> {
    pub(crate) fn new(
        course: &'a Course<'a>,
        due: &'a Due<'a>,
        proposal: RevisionDigest,
        plans: &'a [ContentPlan],
    ) -> Self {
        Self {
            deliverer: &course.deliverer,
            course,
            due,
            ahead: None,
            load: Load::Little,
            proposal,
            plans,
            unfit: Mutex::default(),
            repaired: AtomicBool::new(false),
            failed: Mutex::default(),
            given_up: AtomicBool::new(false),
        }
    }

    /// Stops early where it turns out to be in vain.
    pub(crate) fn ahead(self, ahead: Option<&'a Ahead<'a>>) -> Self {
        Self { ahead, ..self }
    }

    /// Sends everything that is missing; what could not be is returned with its reason.
    pub(crate) fn fill(mut self, missing: &[Missing]) -> Result<Filled, DeliverError> {
        let Deliverer { limits, parallel, caller, .. } = self.deliverer;
        self.load = Load::of(bytes_of(missing));
        let breaks = caller.was_cut_off() || is_resumed(missing, self.plans);
        // One request is left for the commit before.
        let requests = usize::try_from(limits.concurrent_requests).unwrap_or(usize::MAX).saturating_sub(1);
        let parallel = Parallel::new(parallel.threads().min(requests));
        let size =
            FrameSize::within(limits).shared_by(parallel.threads(), bytes_of(missing)).where_things_break(breaks);
        let frames = frames(missing, self.plans, size).map_err(DeliverError::Protocol)?;
        parallel.for_each(frames, |frame| self.send(frame));
        match self.failed.into_inner().expect("no holder of this lock panics") {
            Some(error) => Err(error.into()),
            None => {
                let unfit = self.unfit.into_inner().expect("no holder of this lock panics");
                Ok(Filled { unfit, repaired: self.repaired.into_inner() })
            }
        }
    }

    fn is_over(&self) -> bool {
        self.given_up.load(Ordering::Relaxed) || self.ahead.is_some_and(Ahead::is_vain)
    }

    fn send(&self, frame: Frame) {
        if self.is_over() {
            return;
        }
        let (pieces, raw) = self.read(frame);
        if pieces.is_empty() {
            return;
        }
        let bytes = raw.len() as u64;
        let packed = self.course.packer.pack(raw, self.load);
        let length = packed.data.len() as u64;
        match self.course.packer.timed(packed, |compression, data| self.call(pieces, compression, data)) {
            Ok(()) => {
                self.due.sent(bytes);
                self.course.volume.sent(bytes, length);
            }
            Err(error) => {
                self.given_up.store(true, Ordering::Relaxed);
                self.failed.lock().expect("no holder of this lock panics").get_or_insert(error);
            }
        }
    }

    /// The bytes of a frame's pieces, without those that cannot be had.
    fn read(&self, frame: Frame) -> (Vec<Piece>, Vec<u8>) {
        let mut raw = Vec::with_capacity(usize::try_from(frame.bytes).unwrap_or_default());
        let mut pieces = frame.pieces;
        pieces.retain(|piece| self.read_piece(piece, &mut raw));
        (pieces, raw)
    }

    fn read_piece(&self, piece: &Piece, raw: &mut Vec<u8>) -> bool {
        let content = self.plans[piece.index as usize].content;
        if self.unfit.lock().expect("no holder of this lock panics").contains_key(&content) {
            return false;
        }
        let start = raw.len();
        let range = ByteRange { offset: piece.offset, length: piece.length };
        let why = match self.deliverer.contents.read(&content, range, raw) {
            Ok(()) if (raw.len() - start) as u64 == piece.length => return true,
            Ok(()) | Err(ContentError::Changed) => Why::ContentChanged,
            Err(ContentError::Io(error)) => Why::Unreadable(Arc::new(error)),
        };
        raw.truncate(start);
        self.give_up_on(content, why);
        false
    }

    /// Answers how long the receiver worked on it.
    fn call(&self, pieces: Vec<Piece>, compression: Compression, data: Vec<u8>) -> Result<Duration, CallError> {
        let Deliverer { caller, mirror, .. } = self.deliverer;
        let mirror = (*mirror).clone();
        let filled = caller.call(Fill { mirror, proposal: self.proposal, pieces, compression, data: data.into() })?;
        let worked = filled.worked();
        for mismatch in filled.mismatched {
            let plan = usize::try_from(mismatch.index).ok().and_then(|index| self.plans.get(index));
            let plan =
                plan.ok_or_else(|| CallError::Protocol("a content that was not proposed mismatches".to_owned()))?;
            self.mismatched(plan, &mismatch);
        }
        Ok(worked)
    }

    /// A content came out wrong: a copy was not what it should be, or the source file has changed.
    fn mismatched(&self, plan: &ContentPlan, mismatch: &Mismatch) {
        let Deliverer { recipes, contents, .. } = self.deliverer;
        match recipes.repair(plan, mismatch, *contents) {
            Ok(true) => self.repaired.store(true, Ordering::Relaxed),
            Ok(false) | Err(ContentError::Changed) => self.give_up_on(plan.content, Why::ContentChanged),
            Err(ContentError::Io(error)) => self.give_up_on(plan.content, Why::Unreadable(Arc::new(error))),
        }
    }

    fn give_up_on(&self, content: ContentId, why: Why) {
        self.unfit.lock().expect("no holder of this lock panics").entry(content).or_insert(why);
    }
}
