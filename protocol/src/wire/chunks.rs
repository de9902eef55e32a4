//! How contents are cut, for a client that does not know it any more.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::{ContentId, MirrorName};

/// How some contents that the client holds are cut into chunks.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Chunks {
    /// The mirror that the client works on; contents of its other mirrors are held as well.
    #[n(0)]
    pub mirror: MirrorName,
    /// Which, at most [`crate::limits::MAX_CHUNK_QUERIES`].
    #[n(1)]
    pub wanted: Vec<ChunkQuery>,
}

/// How one content is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChunkQuery {
    /// Which content.
    #[n(0)]
    pub content: ContentId,
    /// The algorithm, by its number.
    #[n(1)]
    pub chunker: u32,
    /// The mean length of a chunk in bytes: a power of two that the algorithm takes.
    #[n(2)]
    pub mean: u32,
    /// Where to begin: 0, or where the answer before ended.
    #[n(3)]
    pub from: u64,
}

/// Lists of the first of the wanted contents, in their order; at least one, and as many as may be read for one answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChunksPage {
    /// The lists.
    #[n(0)]
    pub lists: Vec<Chunked>,
}

/// How one content is cut, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Chunked {
    /// The encoded list; nothing where the content is not held, or its list would be too long.
    #[n(0)]
    pub list: Option<ByteVec>,
    /// Where the list ends, if the content goes on there.
    #[n(1)]
    pub next: Option<u64>,
}
