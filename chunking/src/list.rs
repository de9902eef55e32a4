//! [`ChunkList`]: how a content is cut, in few bytes.

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use crate::Parameters;

/// Longest encoded list, in bytes. What needs more has none.
pub const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;

/// Bytes of a chunk's hash. Two chunks of one length are taken for each other once in 2^40 pairs, which costs a recipe
/// that does not fit; each byte more would make the lists of source trees an eighth longer.
const HASH_BYTES: usize = 5;

/// One piece of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chunk {
    /// A chunk: what its bytes hash to, and how many they are. Its hash has 40 bits.
    Bytes {
        /// The low 40 bits of xxh3-64.
        hash: u64,
        /// Length in bytes, at least 1.
        length: u32,
    },
    /// Chunks that hold zeros alone, however many.
    Zeros {
        /// Length in bytes, at least 1.
        length: u64,
    },
}

impl Chunk {
    /// The chunk that holds these bytes.
    pub(crate) fn of(bytes: &[u8], length: u32) -> Self {
        if bytes.iter().all(|byte| *byte == 0) {
            return Self::Zeros { length: u64::from(length) };
        }
        Self::Bytes { hash: xxh3_64(bytes) & ((1 << (8 * HASH_BYTES)) - 1), length }
    }

    /// How many bytes it holds.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes { length, .. } => u64::from(*length),
            Self::Zeros { length } => *length,
        }
    }
}

/// Why bytes are no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadList {
    /// More bytes than any list has.
    #[error("a chunk list of more than {MAX_LIST_BYTES} bytes")]
    TooLong,
    /// They end in the middle of a chunk.
    #[error("a chunk list that is cut short")]
    CutShort,
    /// A chunk without bytes, or longer than the parameters allow; or a content longer than any file.
    #[error("a chunk list with a chunk of an impossible length")]
    Length,
}

/// The chunks of one content, in order.
///
/// Encoded, a chunk is a varint of twice its length and the low five bytes of its hash, little-endian; a run of zeros is
/// a varint of twice its length plus one. Varints have seven bits a byte, the lowest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkList {
    parameters: Parameters,
    /// Always decodes: made here, or checked.
    encoded: Vec<u8>,
    length: u64,
}

impl ChunkList {
    /// The list of a content without bytes.
    pub(crate) fn empty(parameters: Parameters) -> Self {
        Self { parameters, encoded: Vec::new(), length: 0 }
    }

    /// Adds a chunk; says whether there was room.
    pub(crate) fn push(&mut self, chunk: Chunk) -> bool {
        match chunk {
            Chunk::Bytes { hash, length } => {
                put_varint(&mut self.encoded, u64::from(length) << 1);
                self.encoded.extend_from_slice(&hash.to_le_bytes()[..HASH_BYTES]);
            }
            Chunk::Zeros { length } => put_varint(&mut self.encoded, length << 1 | 1),
        }
        self.length += chunk.length();
        self.encoded.len() <= MAX_LIST_BYTES
    }

    /// Reads a list that was encoded with these parameters.
    ///
    /// # Errors
    /// [`BadList`]: what no list looks like. Whether a list tells the truth about a content cannot be seen.
    pub fn decode(parameters: Parameters, encoded: Vec<u8>) -> Result<Self, BadList> {
        if encoded.len() > MAX_LIST_BYTES {
            return Err(BadList::TooLong);
        }
        let mut rest = encoded.as_slice();
        let mut length = 0u64;
        while !rest.is_empty() {
            let chunk = take(&mut rest).ok_or(BadList::CutShort)?;
            let most = if matches!(chunk, Chunk::Zeros { .. }) { u64::MAX } else { u64::from(parameters.max()) };
            let possible = (1..=most).contains(&chunk.length());
            let sum = length.checked_add(chunk.length()).filter(|sum| possible && i64::try_from(*sum).is_ok());
            length = sum.ok_or(BadList::Length)?;
        }
        Ok(Self { parameters, encoded, length })
    }

    /// The list as it is kept and sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    /// How it was cut.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// Length of the content in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Its chunks in order.
    pub fn iter(&self) -> impl Iterator<Item = Chunk> + '_ {
        let mut rest = self.encoded.as_slice();
        std::iter::from_fn(move || take(&mut rest))
    }

    /// This list, continued by one of what follows it; nothing where the two do not belong together or are too long.
    #[must_use]
    pub fn joined(mut self, more: &Self) -> Option<Self> {
        self.encoded.extend_from_slice(&more.encoded);
        self.length = self.length.checked_add(more.length)?;
        (self.parameters == more.parameters && self.encoded.len() <= MAX_LIST_BYTES).then_some(self)
    }
}

/// The next chunk; nothing at the end, or where the bytes end within one.
fn take(rest: &mut &[u8]) -> Option<Chunk> {
    let value = take_varint(rest)?;
    if value & 1 == 1 {
        return Some(Chunk::Zeros { length: value >> 1 });
    }
    let (hash, after) = rest.split_at_checked(HASH_BYTES)?;
    *rest = after;
    let mut bytes = [0; 8];
    bytes[..HASH_BYTES].copy_from_slice(hash);
    Some(Chunk::Bytes { hash: u64::from_le_bytes(bytes), length: u32::try_from(value >> 1).ok()? })
}

fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    into.push(value.to_le_bytes()[0]);
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..10 {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7f);
        value |= bits.checked_shl(7 * place).filter(|shifted| shifted >> (7 * place) == bits)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
