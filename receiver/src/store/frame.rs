//! Frames: what a fill brings, checked and cut into pieces. Nothing a peer declares is believed before it is counted.

use std::borrow::Cow;
use std::io::Read;

use protocol::limits::{MAX_FRAME_BYTES, MAX_FRAME_PIECES, MAX_ZSTD_WINDOW_LOG};
use protocol::wire::{Compression, Fill};
use protocol::{Piece, Problem, ProblemCode};

/// A frame's bytes, exactly as many as its pieces declare.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pieces: &'a [Piece],
    bytes: Cow<'a, [u8]>,
}

impl<'a> Frame<'a> {
    /// Unpacks a frame, never to more than its pieces declare.
    pub(crate) fn unpack(fill: &'a Fill) -> Result<Self, Problem> {
        let length = declared_length(&fill.pieces)?;
        let bytes = match fill.compression {
            Compression::None => Cow::Borrowed(&fill.data[..]),
            Compression::Zstd => Cow::Owned(decompress(&fill.data, length)?),
        };
        if bytes.len() == length {
            Ok(Self { pieces: &fill.pieces, bytes })
        } else {
            Err(malformed("a frame is not as long as its pieces together"))
        }
    }

    /// Each piece with its bytes.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (Piece, &[u8])> {
        let mut rest = &self.bytes[..];
        self.pieces.iter().map(move |piece| {
            let length = usize::try_from(piece.length).expect("was counted below the limit of a frame");
            let (bytes, after) = rest.split_at(length);
            rest = after;
            (*piece, bytes)
        })
    }
}

fn declared_length(pieces: &[Piece]) -> Result<usize, Problem> {
    if pieces.len() > MAX_FRAME_PIECES {
        return Err(Problem::new(ProblemCode::TooLarge, format!("a frame has at most {MAX_FRAME_PIECES} pieces")));
    }
    let sum = pieces.iter().try_fold(0u64, |sum, piece| sum.checked_add(piece.length));
    sum.and_then(|sum| usize::try_from(sum).ok()).filter(|sum| *sum <= MAX_FRAME_BYTES).ok_or_else(|| {
        Problem::new(ProblemCode::TooLarge, format!("a frame has at most {MAX_FRAME_BYTES} bytes before compression"))
    })
}

/// One zstd frame and nothing after it, cut off one byte past `length`.
fn decompress(data: &[u8], length: usize) -> Result<Vec<u8>, Problem> {
    let broken = |error: std::io::Error| malformed(format!("a frame cannot be decompressed: {error}"));
    let mut decoder = zstd::stream::read::Decoder::with_buffer(data).map_err(broken)?.single_frame();
    decoder.window_log_max(MAX_ZSTD_WINDOW_LOG).map_err(broken)?;
    let mut bytes = Vec::with_capacity(length + 1);
    decoder.by_ref().take(length as u64 + 1).read_to_end(&mut bytes).map_err(broken)?;
    if bytes.len() <= length && !decoder.finish().is_empty() {
        return Err(malformed("a frame is followed by other bytes"));
    }
    Ok(bytes)
}

fn malformed(detail: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemCode::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::{MirrorName, RevisionDigest};

    use super::*;

    fn fill(pieces: &[u64], compression: Compression, data: Vec<u8>) -> Fill {
        Fill {
            mirror: MirrorName::parse(b"m").expect("a valid name"),
            proposal: RevisionDigest::from_bytes([0; 32]),
            pieces: pieces.iter().map(|length| Piece { index: 0, offset: 0, length: *length }).collect(),
            compression,
            data: data.into(),
        }
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(bytes, 3).expect("compresses in memory")
    }

    fn code(fill: &Fill) -> ProblemCode {
        Frame::unpack(fill).expect_err("must be refused").code
    }

    #[test]
    fn a_frame_is_cut_into_its_pieces() {
        let request = fill(&[1, 0, 2], Compression::Zstd, packed(b"abc"));
        let frame = Frame::unpack(&request).expect("a good frame");
        assert_eq!(frame.pieces().map(|(_, bytes)| bytes).collect::<Vec<_>>(), [&b"a"[..], b"", b"bc"]);
    }

    #[test]
    fn a_frame_longer_or_shorter_than_declared_is_refused() {
        for compression in [Compression::None, Compression::Zstd] {
            let data = |bytes: &[u8]| if compression == Compression::Zstd { packed(bytes) } else { bytes.to_vec() };
            assert_eq!(code(&fill(&[3], compression, data(b"ab"))), ProblemCode::Malformed);
            assert_eq!(code(&fill(&[3], compression, data(b"abcd"))), ProblemCode::Malformed);
        }
    }

    #[test]
    fn a_bomb_stops_at_the_declared_length() {
        let bomb = packed(&vec![0; 64 << 20]);
        assert!(bomb.len() < 20_000);
        assert_eq!(code(&fill(&[10], Compression::Zstd, bomb)), ProblemCode::Malformed);
    }

    #[test]
    fn a_frame_that_asks_for_a_larger_window_than_the_limit_is_refused() {
        let with_window = |log: u32| {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("an encoder");
            encoder.window_log(log).expect("a window that zstd knows");
            // Written before the end is known: the frame declares its window, and no length that would limit it.
            std::io::Write::write_all(&mut encoder, b"abc").expect("compresses in memory");
            fill(&[3], Compression::Zstd, encoder.finish().expect("compresses in memory"))
        };
        assert!(Frame::unpack(&with_window(MAX_ZSTD_WINDOW_LOG)).is_ok());
        assert_eq!(code(&with_window(MAX_ZSTD_WINDOW_LOG + 1)), ProblemCode::Malformed);
    }

    #[test]
    fn a_second_frame_or_garbage_behind_the_first_is_refused() {
        let two = [packed(b"ab"), packed(b"")].concat();
        assert_eq!(code(&fill(&[2], Compression::Zstd, two)), ProblemCode::Malformed);
        let garbage = [packed(b"ab"), b"x".to_vec()].concat();
        assert_eq!(code(&fill(&[2], Compression::Zstd, garbage)), ProblemCode::Malformed);
    }

    #[test]
    fn too_many_bytes_or_pieces_and_sums_that_overflow_are_refused() {
        assert_eq!(code(&fill(&[MAX_FRAME_BYTES as u64 + 1], Compression::None, vec![])), ProblemCode::TooLarge);
        assert_eq!(code(&fill(&[u64::MAX, 2], Compression::None, vec![])), ProblemCode::TooLarge);
        assert_eq!(code(&fill(&vec![0; MAX_FRAME_PIECES + 1], Compression::None, vec![])), ProblemCode::TooLarge);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(data in prop::collection::vec(prop::num::u8::ANY, 0..64), length in 0u64..64) {
            if let Ok(frame) = Frame::unpack(&fill(&[length], Compression::Zstd, data)) {
                prop_assert_eq!(frame.bytes.len() as u64, length);
            }
        }
    }
}
