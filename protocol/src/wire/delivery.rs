//! Delivering a batch: propose, fill, commit.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::{
    ByteRange, Change, ContentId, ContentPlan, Head, Lineage, MirrorName, Piece, Refused, RevisionDigest, RoundId,
    Timestamp,
};

/// Which round a batch belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Round {
    /// Its id.
    #[n(0)]
    pub id: RoundId,
    /// When it began, by the client's clock.
    #[n(1)]
    pub started: Timestamp,
}

/// A batch, and how its contents come to be.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Propose {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// The head the changes mean.
    #[n(1)]
    pub base: Head,
    /// Who proposes.
    #[n(2)]
    pub lineage: Lineage,
    /// The round it belongs to.
    #[n(3)]
    pub round: Round,
    /// The changes: a set.
    #[n(4)]
    pub changes: Vec<Change>,
    /// Every distinct content that the changes name, whether the receiver has it or not.
    #[n(5)]
    pub contents: Vec<ContentPlan>,
}

/// What the receiver makes of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Proposed {
    /// It is open; these literals are missing, everything else the receiver has or can copy.
    #[n(0)]
    Open {
        /// The digest the mirror's head would have; names the proposal from here on.
        #[n(0)]
        proposal: RevisionDigest,
        /// Literal ranges that have not arrived yet, by the content's place in the proposal.
        #[n(1)]
        missing: Vec<Missing>,
    },
    /// Some changes cannot be applied. Nothing was kept.
    #[n(1)]
    Refused {
        /// Which, and why.
        #[n(0)]
        refused: Vec<Refused>,
    },
    /// The mirror already has exactly this revision as its head: it was committed before.
    #[n(2)]
    Done {
        /// The head.
        #[n(0)]
        head: Head,
    },
}

/// Literals of one content that have not arrived.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Missing {
    /// The content's place in the proposal.
    #[n(0)]
    pub index: u32,
    /// Which of its bytes.
    #[n(1)]
    pub ranges: Vec<ByteRange>,
}

/// How a frame is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Compression {
    /// Not at all.
    #[n(0)]
    None,
    /// One zstd frame that stands alone.
    #[n(1)]
    Zstd,
}

/// One frame of literals. Frames come in any order, several at a time, and may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Fill {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Which proposal.
    #[n(1)]
    pub proposal: RevisionDigest,
    /// Where its bytes belong, in their order.
    #[n(2)]
    pub pieces: Vec<Piece>,
    /// How it is compressed.
    #[n(3)]
    pub compression: Compression,
    /// The frame.
    #[n(4)]
    pub data: ByteVec,
}

/// The frame is taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Filled {
    /// Contents that are whole now but are not what their id says.
    #[n(0)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub mismatched: Vec<Mismatch>,
}

/// A content that is not what its id says. If a content that it copies from was found damaged just now, the literals
/// that had arrived are kept; otherwise they are thrown away.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Mismatch {
    /// The content's place in the proposal.
    #[n(0)]
    pub index: u32,
    /// BLAKE3 of each range that the receiver copied, so that only bad ones travel; empty where all was literal.
    #[n(1)]
    pub copied: Vec<CopiedRange>,
}

/// What the receiver has in a range that it copied.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CopiedRange {
    /// Which bytes of the new content.
    #[n(0)]
    pub range: ByteRange,
    /// BLAKE3 of what it copied there.
    #[n(1)]
    pub digest: ContentId,
}

/// Apply an open proposal.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Commit {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Which proposal: the digest it makes is the only idempotency key.
    #[n(1)]
    pub proposal: RevisionDigest,
    /// Who commits.
    #[n(2)]
    pub lineage: Lineage,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Committed {
    /// It is durable.
    #[n(0)]
    Durable {
        /// The head now.
        #[n(0)]
        head: Head,
        /// Contents that the receiver found damaged and asks for again.
        #[n(1)]
        wanted: Vec<ContentId>,
    },
    /// Some changes cannot be applied. Nothing happened.
    #[n(1)]
    Refused {
        /// Which, and why.
        #[n(0)]
        refused: Vec<Refused>,
    },
    /// Literals are missing after all, or a copy came out wrong: fill and commit again.
    #[n(2)]
    Incomplete {
        /// Which.
        #[n(0)]
        missing: Vec<Missing>,
        /// Of those, the contents that were put together and are not what their ids say, with what was copied.
        #[n(1)]
        #[cbor(default, skip_if = "Vec::is_empty")]
        mismatched: Vec<Mismatch>,
    },
}
