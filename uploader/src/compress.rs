//! Compression of frames, where it is worth it.

use protocol::wire::Compression;

/// Ratio against time: about 300 MB/s a thread on source code, a third of its size.
const LEVEL: i32 = 3;
/// The level that only asks whether bytes compress.
const PROBE_LEVEL: i32 = 1;
/// How much of a frame is asked, at each of three places.
const PROBE_BYTES: usize = 16 * 1024;
/// At more than so many percent of its size a frame goes as it is: decompressing costs the receiver more.
const WORTH_PERCENT: usize = 97;

/// A frame as it is sent: one zstd frame that stands alone, or the bytes themselves.
pub(crate) fn compress(raw: Vec<u8>) -> (Compression, Vec<u8>) {
    match probe(&raw).then(|| zstd::bulk::compress(&raw, LEVEL)) {
        Some(Ok(packed)) if is_worth_it(packed.len(), raw.len()) => (Compression::Zstd, packed),
        // A compressor without memory is no reason not to deliver.
        Some(Ok(_) | Err(_)) | None => (Compression::None, raw),
    }
}

/// Whether any of a few samples compresses. Short frames are their own sample.
fn probe(raw: &[u8]) -> bool {
    if raw.len() <= 3 * PROBE_BYTES {
        return true;
    }
    let compresses = |sample: &[u8]| {
        zstd::bulk::compress(sample, PROBE_LEVEL).is_ok_and(|packed| is_worth_it(packed.len(), sample.len()))
    };
    let starts = [0, raw.len() / 2 - PROBE_BYTES / 2, raw.len() - PROBE_BYTES];
    starts.iter().any(|start| compresses(&raw[*start..start + PROBE_BYTES]))
}

fn is_worth_it(packed: usize, raw: usize) -> bool {
    packed * 100 < raw * WORTH_PERCENT
}

#[cfg(test)]
mod tests {
    use seams::random::{Random, SeededRandom};

    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        SeededRandom::new(7).fill(&mut bytes);
        bytes
    }

    #[test]
    fn text_is_packed_and_comes_back() {
        let text = b"fn main() {}\n".repeat(20_000);
        let (compression, packed) = compress(text.clone());
        assert_eq!(compression, Compression::Zstd);
        assert!(packed.len() < text.len() / 50);
        assert_eq!(zstd::bulk::decompress(&packed, text.len()).expect("a whole frame"), text);
    }

    #[test]
    fn what_does_not_compress_goes_as_it_is() {
        for length in [0, 1, 100, 3 * PROBE_BYTES, 1 << 20] {
            assert_eq!(compress(noise(length)), (Compression::None, noise(length)), "{length}");
        }
    }

    #[test]
    fn text_in_the_middle_of_noise_is_found() {
        let mut mixed = noise(1 << 20);
        mixed[400_000..700_000].fill(b'x');
        assert_eq!(compress(mixed).0, Compression::Zstd);
    }
}
