//! [`Parameters`]: how large chunks are, by the size of the file.

/// The algorithm behind every list: FastCDC of 2020 with normalization level 1, 5 bytes of xxh3-64 a chunk. Another
/// algorithm, gear table or hash gets another number, and its lists are not compared with these.
pub const CHUNKER: u32 = 1;

/// Smallest mean that means something to FastCDC.
const LEAST_MEAN: u32 = 256;
/// Largest mean that means something to FastCDC.
const MOST_MEAN: u32 = 4 * 1024 * 1024;
/// Chunks that do not compress save less each; smaller ones would only make the list longer.
const DENSE_MEAN: u32 = 16 * 1024;
/// About so many chunks a list has at most: past 64 GiB chunks grow with the file.
const MOST_CHUNKS: u64 = 1024 * 1024;
/// Files of up to so many bytes have no list: one that changes is sent whole, for about what a recipe would cost.
const UNLISTED_BYTES: u64 = 2 * 1024;

/// How much of a file is asked whether it compresses, and how little says nothing.
const SAMPLE_BYTES: std::ops::RangeInclusive<usize> = 4 * 1024..=64 * 1024;
/// Bytes whose distribution alone has more than so many bits a byte do not compress. Text has 5, programs 6, base64 6.
const DENSE_BITS: f64 = 7.8;

/// Whether a file of this length gets a list.
#[must_use]
pub fn needs_list(length: u64) -> bool {
    length > UNLISTED_BYTES
}

/// How a file is cut: chunks of a quarter of `mean` to four times it. The mean is a power of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Parameters {
    mean: u32,
}

impl Parameters {
    /// How a new file is cut, by its length and its first bytes.
    #[must_use]
    pub fn for_file(length: u64, first: &[u8]) -> Self {
        const KIB: u64 = 1024;
        const GIB: u64 = 1024 * 1024 * KIB;
        let mean = match length {
            _ if length <= 256 * KIB => 1024,
            _ if length <= 8 * 1024 * KIB => 4 * 1024,
            _ if length <= 4 * GIB => 16 * 1024,
            _ if length <= 64 * GIB => 64 * 1024,
            _ => u32::try_from((length / MOST_CHUNKS).next_power_of_two()).unwrap_or(MOST_MEAN).min(MOST_MEAN),
        };
        Self { mean: if is_dense(first) { mean.max(DENSE_MEAN) } else { mean } }
    }

    /// Chunks of this mean, in bytes; nothing for a mean that is not a power of two from 256 bytes to 4 MiB.
    #[must_use]
    pub fn with_mean(mean: u32) -> Option<Self> {
        (mean.is_power_of_two() && (LEAST_MEAN..=MOST_MEAN).contains(&mean)).then_some(Self { mean })
    }

    /// Whether a list of a content of this length would not be too long by far.
    #[must_use]
    pub fn suit(&self, length: u64) -> bool {
        length / u64::from(self.mean) <= MOST_CHUNKS
    }

    /// Their mean length in bytes.
    #[must_use]
    pub fn mean(&self) -> u32 {
        self.mean
    }

    /// Their least length; the last chunk of a file may be shorter.
    #[must_use]
    pub fn min(&self) -> u32 {
        self.mean / 4
    }

    /// Their greatest length.
    #[must_use]
    pub fn max(&self) -> u32 {
        self.mean * 4
    }
}

/// Whether bytes look compressed or encrypted already, by how evenly their values are spread.
fn is_dense(first: &[u8]) -> bool {
    let sample = &first[..first.len().min(*SAMPLE_BYTES.end())];
    sample.len() >= *SAMPLE_BYTES.start() && bits_a_byte(sample) > DENSE_BITS
}

/// The entropy of the bytes' distribution.
fn bits_a_byte(sample: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in sample {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(counts.iter().sum::<u32>());
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    shares.map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
