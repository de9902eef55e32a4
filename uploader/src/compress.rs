//! Compression of frames, where it is worth it.

use protocol::wire::Compression;

use zstd::bulk::Compressor;

use crate::compressors::Compressors;
use crate::level::Level;

/// The level that only asks whether bytes compress.
const PROBE_LEVEL: i32 = 1;
/// How many places of a frame are asked, and how many bytes at each.
const PROBES: usize = 16;
const PROBE_BYTES: usize = 4 * 1024;
/// At more than so many percent of its size a frame goes as it is: decompressing costs the receiver more.
const WORTH_PERCENT: usize = 97;
/// To how many percent samples must compress for the whole to be tried: one place of sixteen alone decides nothing.
const PROMISING_PERCENT: usize = 93;

/// A frame as it is sent: one zstd frame that stands alone, or the bytes themselves.
pub(crate) fn compress(raw: Vec<u8>, level: Level, compressors: &Compressors) -> (Compression, Vec<u8>) {
    let pack = |compressor: &mut Compressor<'_>| {
        compressor.set_compression_level(i32::from(level.get()))?;
        compressor.compress(&raw)
    };
    match probe(&raw).then(|| compressors.lend(pack)).flatten() {
        Some(Ok(packed)) if is_worth_it(packed.len(), raw.len()) => (Compression::Zstd, packed),
        // A compressor without memory is no reason not to deliver.
        Some(Ok(_) | Err(_)) | None => (Compression::None, raw),
    }
}

/// Whether samples from all over a frame compress, taken together: a picture's few bytes of text do not count. Short
/// frames are their own sample.
fn probe(raw: &[u8]) -> bool {
    if raw.len() <= PROBES * PROBE_BYTES {
        return true;
    }
    let stride = (raw.len() - PROBE_BYTES) / (PROBES - 1);
    let sample: Vec<u8> = (0..PROBES).flat_map(|at| &raw[at * stride..][..PROBE_BYTES]).copied().collect();
    zstd::bulk::compress(&sample, PROBE_LEVEL).is_ok_and(|packed| packed.len() * 100 < sample.len() * PROMISING_PERCENT)
}

fn is_worth_it(packed: usize, raw: usize) -> bool {
    packed * 100 < raw * WORTH_PERCENT
}

#[cfg(test)]
mod tests {
    use seams::random::{Random, SeededRandom};

    use super::*;

    fn compress(raw: Vec<u8>) -> (Compression, Vec<u8>) {
        super::compress(raw, Level::of(3), &Compressors::new(1))
    }

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
        for length in [0, 1, 100, PROBES * PROBE_BYTES, 1 << 20] {
            assert_eq!(compress(noise(length)), (Compression::None, noise(length)), "{length}");
        }
    }

    /// Level 19 takes seconds for this; what is asked first takes no time that could be measured.
    #[test]
    fn a_picture_with_some_text_in_front_is_not_tried() {
        let mut picture = noise(4 << 20);
        picture[..8 * 1024].fill(b'x');
        assert!(!probe(&picture), "one sample of sixteen is not what decides");
    }

    #[test]
    fn text_in_the_middle_of_noise_is_found() {
        let mut mixed = noise(1 << 20);
        mixed[400_000..700_000].fill(b'x');
        assert_eq!(compress(mixed).0, Compression::Zstd);
    }
}
