//! Revisions: a number and a digest chained over the batches so far.

use minicbor::{Decode, Encode};

use crate::{Change, RevisionDigest};

/// A mirror's newest revision: the number of batches applied, and the digest chained over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// 0 for a mirror without batches.
    #[n(0)]
    pub number: u64,
    /// All zero for a mirror without batches.
    #[n(1)]
    pub digest: RevisionDigest,
}

impl Head {
    /// The head of a mirror without batches.
    #[must_use]
    pub const fn genesis() -> Self {
        Self { number: 0, digest: RevisionDigest::from_bytes([0; 32]) }
    }

    /// The head after one more batch: `BLAKE3(previous digest, canonical batch)`.
    #[must_use]
    pub fn after(&self, changes: &[Change]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.digest.as_bytes());
        hasher.update(&canonical_batch(changes));
        let digest = RevisionDigest::from_bytes(*hasher.finalize().as_bytes());
        Self { number: self.number + 1, digest }
    }
}

/// The canonical encoding of a batch: a CBOR array of its changes, each in deterministic CBOR, sorted by their bytes.
///
/// A batch is a set, so its order does not matter; how its contents travel is not part of it.
///
/// # Panics
/// Never: writing to memory cannot fail.
#[must_use]
pub fn canonical_batch(changes: &[Change]) -> Vec<u8> {
    let encode = |change| minicbor::to_vec(change).expect("encoding to memory cannot fail");
    let mut encoded: Vec<Vec<u8>> = changes.iter().map(encode).collect();
    encoded.sort_unstable();
    let mut encoder = minicbor::Encoder::new(Vec::new());
    encoder.array(encoded.len() as u64).expect("encoding to memory cannot fail");
    let mut batch = encoder.into_writer();
    for change in encoded {
        batch.extend_from_slice(&change);
    }
    batch
}
