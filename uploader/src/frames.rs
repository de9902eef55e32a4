//! What is missing, packed into frames: pure.

use protocol::limits::{MAX_FRAME_BYTES, MAX_FRAME_PIECES};
use protocol::wire::{Limits, Missing};
use protocol::{ByteRange, ContentPlan, Piece};

/// Largest frame once connections broke: whatever is on its way when one breaks travels again.
const MAX_RESUMED_FRAME_BYTES: u64 = 1024 * 1024;

/// Little that is missing is parted into frames no smaller than this, or it would compress worse.
const LEAST_SHARED_FRAME_BYTES: u64 = 512 * 1024;

/// Bytes to read, compress and send together. Never without pieces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Frame {
    pub(crate) pieces: Vec<Piece>,
    /// The lengths of its pieces together.
    pub(crate) bytes: u64,
}

/// How large a frame may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameSize {
    /// At least 1.
    bytes: u64,
    pieces: usize,
}

impl FrameSize {
    pub(crate) fn within(limits: &Limits) -> Self {
        let bytes = u64::from(limits.frame_bytes).clamp(1, MAX_FRAME_BYTES as u64);
        Self { bytes, pieces: MAX_FRAME_PIECES }
    }

    /// The same where so little is missing that some transfers would have nothing to do: it is parted among them, so
    /// that several processors pack it, and the receiver works on the first while the others are on their way.
    pub(crate) fn shared_by(self, transfers: usize, missing: u64) -> Self {
        let transfers = u64::try_from(transfers).unwrap_or(u64::MAX).max(1);
        Self { bytes: self.bytes.min(missing.div_ceil(transfers).max(LEAST_SHARED_FRAME_BYTES)), ..self }
    }

    /// The same where it is known that connections, or processes, break.
    pub(crate) fn where_things_break(self, they_do: bool) -> Self {
        if they_do { Self { bytes: self.bytes.min(MAX_RESUMED_FRAME_BYTES), ..self } } else { self }
    }
}

/// Frames that hold everything missing, in the order of the proposal, so that neighbours compress together.
///
/// # Errors
/// What the receiver cannot mean: an index or a range outside the proposal.
pub(crate) fn frames(missing: &[Missing], plans: &[ContentPlan], size: FrameSize) -> Result<Vec<Frame>, String> {
    let mut frames = Vec::new();
    let mut frame = Frame::default();
    for piece in pieces(missing, plans)? {
        for part in split(piece, size.bytes) {
            if frame.bytes + part.length > size.bytes || frame.pieces.len() == size.pieces {
                frames.push(std::mem::take(&mut frame));
            }
            frame.bytes += part.length;
            frame.pieces.push(part);
        }
    }
    if !frame.pieces.is_empty() {
        frames.push(frame);
    }
    Ok(frames)
}

/// Whether some of a content's literals have arrived already, and others not: an earlier delivery broke off.
pub(crate) fn is_resumed(missing: &[Missing], plans: &[ContentPlan]) -> bool {
    let sum = |ranges: &[ByteRange]| ranges.iter().map(|range| range.length).fold(0, u64::saturating_add);
    missing.iter().any(|Missing { index, ranges }| {
        let plan = usize::try_from(*index).ok().and_then(|index| plans.get(index));
        plan.is_some_and(|plan| sum(ranges) < sum(&plan.literals()))
    })
}

/// Every missing range with its content, checked against the proposal.
fn pieces(missing: &[Missing], plans: &[ContentPlan]) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    for Missing { index, ranges } in missing {
        let plan = usize::try_from(*index).ok().and_then(|index| plans.get(index));
        let length = plan.ok_or_else(|| format!("content {index} is missing, but was not proposed"))?.length;
        for range in ranges {
            if range.end().is_none_or(|end| end > length) {
                return Err(format!("bytes past the end of content {index} are missing"));
            }
            pieces.push(Piece { index: *index, offset: range.offset, length: range.length });
        }
    }
    Ok(pieces)
}

/// A piece in parts of at most `bytes`; an empty one is one empty part.
fn split(piece: Piece, bytes: u64) -> impl Iterator<Item = Piece> {
    let parts = piece.length.div_ceil(bytes).max(1);
    (0..parts).map(move |part| {
        let done = part * bytes;
        Piece { offset: piece.offset + done, length: bytes.min(piece.length - done), ..piece }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::ContentId;

    use super::*;

    fn plans(lengths: &[u64]) -> Vec<ContentPlan> {
        let plan = |length: &u64| ContentPlan { content: ContentId::of(b"x"), length: *length, recipe: Vec::new() };
        lengths.iter().map(plan).collect()
    }

    fn whole(index: u32, length: u64) -> Missing {
        Missing { index, ranges: vec![ByteRange { offset: 0, length }] }
    }

    fn piece(index: u32, offset: u64, length: u64) -> Piece {
        Piece { index, offset, length }
    }

    #[test]
    fn a_frame_spans_small_contents_and_a_large_one_spans_frames() {
        let missing = [whole(0, 2), whole(1, 0), whole(2, 12)];
        let frames = frames(&missing, &plans(&[2, 0, 12]), FrameSize { bytes: 5, pieces: 9 }).expect("all proposed");
        let pieces: Vec<_> = frames.into_iter().map(|frame| frame.pieces).collect();
        assert_eq!(
            pieces,
            [vec![piece(0, 0, 2), piece(1, 0, 0)], vec![piece(2, 0, 5)], vec![piece(2, 5, 5)], vec![piece(2, 10, 2)]]
        );
    }

    #[test]
    fn what_was_not_proposed_is_never_read() {
        let size = FrameSize { bytes: 5, pieces: 9 };
        assert!(frames(&[whole(1, 1)], &plans(&[1]), size).is_err());
        assert!(frames(&[whole(0, 2)], &plans(&[1]), size).is_err());
        let wraps = Missing { index: 0, ranges: vec![ByteRange { offset: 2, length: u64::MAX }] };
        assert!(frames(&[wraps], &plans(&[1]), size).is_err());
    }

    #[test]
    fn what_arrived_in_part_is_resumed_in_smaller_frames() {
        let plans = plans(&[10, 4 * MAX_RESUMED_FRAME_BYTES]);
        assert!(!is_resumed(&[whole(1, plans[1].length)], &plans), "the other content came whole, or never began");
        let rest = Missing { index: 1, ranges: vec![ByteRange { offset: 1, length: plans[1].length - 1 }] };
        assert!(is_resumed(std::slice::from_ref(&rest), &plans));
        let size = FrameSize { bytes: MAX_FRAME_BYTES as u64, pieces: 9 };
        let count = |size| frames(std::slice::from_ref(&rest), &plans, size).expect("all proposed").len();
        assert_eq!((count(size.where_things_break(false)), count(size.where_things_break(true))), (1, 4));
    }

    #[test]
    fn little_is_parted_among_all_transfers_and_very_little_is_not() {
        let size = FrameSize { bytes: MAX_FRAME_BYTES as u64, pieces: 9 };
        let count = |length| {
            let (missing, size) = ([whole(0, length)], size.shared_by(4, length));
            frames(&missing, &plans(&[length]), size).expect("all proposed").len()
        };
        assert_eq!(count(MAX_FRAME_BYTES as u64), 4);
        assert_eq!(count(LEAST_SHARED_FRAME_BYTES), 1);
        assert_eq!(count(40 * MAX_FRAME_BYTES as u64), 40);
    }

    proptest! {
        #[test]
        fn frames_hold_every_missing_byte_once_in_order_and_within_limits(
            lengths in prop::collection::vec(0u64..40, 0..20), bytes in 1u64..17, pieces in 1usize..5,
        ) {
            let missing: Vec<_> = (0u32..).zip(&lengths).map(|(index, length)| whole(index, *length)).collect();
            let frames = frames(&missing, &plans(&lengths), FrameSize { bytes, pieces }).expect("all proposed");
            let mut next = vec![0; lengths.len()];
            for frame in &frames {
                prop_assert!(frame.bytes <= bytes && (1..=pieces).contains(&frame.pieces.len()));
                prop_assert_eq!(frame.bytes, frame.pieces.iter().map(|piece| piece.length).sum::<u64>());
                for piece in &frame.pieces {
                    let next = &mut next[piece.index as usize];
                    prop_assert_eq!(piece.offset, *next);
                    *next += piece.length;
                }
            }
            prop_assert_eq!(next, lengths);
        }
    }
}
