//! First contact: who speaks, where a mirror stands, whose copy it is, and who may write it.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::{ContentId, Head, Lineage, MirrorName, StoreId};

/// The first message.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The oldest version the client speaks.
    #[n(0)]
    pub protocol_min: u32,
    /// The newest version the client speaks.
    #[n(1)]
    pub protocol_max: u32,
    /// What a client would ask next, asked at once. An older receiver does not answer it.
    #[n(2)]
    pub contact: Option<Contact>,
}

impl Hello {
    /// A hello that asks for nothing more.
    #[must_use]
    pub const fn new(protocol_min: u32, protocol_max: u32) -> Self {
        Self { protocol_min, protocol_max, contact: None }
    }
}

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct HelloReply {
    /// The oldest version the receiver speaks.
    #[n(0)]
    pub protocol_min: u32,
    /// The newest version the receiver speaks.
    #[n(1)]
    pub protocol_max: u32,
    /// Which data directory answers.
    #[n(2)]
    pub store: StoreId,
    /// The client's name, as the token says.
    #[n(3)]
    pub client: String,
    /// The receiver's limits, where they are lower than the protocol's.
    #[n(4)]
    pub limits: Limits,
    /// What the receiver can do beyond version 1.
    #[n(5)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Where the mirror stands, if that was asked along.
    #[n(6)]
    pub contact: Option<ContactReply>,
}

/// Limits that a receiver may set lower than the protocol does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Limits {
    /// Most changes in one batch.
    #[n(0)]
    pub batch_changes: u32,
    /// Largest frame before compression, in bytes.
    #[n(1)]
    pub frame_bytes: u32,
    /// Most requests of one client at a time.
    #[n(2)]
    pub concurrent_requests: u32,
}

/// The source a mirror is the copy of, told so that two folders of one name never replace each other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Source {
    /// Its absolute path at the client.
    #[n(0)]
    pub path: ByteVec,
    /// The identity of its root (file system, inode): opaque to the receiver, compared byte by byte.
    #[n(1)]
    pub identity: ByteVec,
    /// The client's host name, for people.
    #[n(2)]
    pub host: String,
}

/// Where does the mirror stand?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Contact {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Who asks.
    #[n(1)]
    pub lineage: Lineage,
    /// The head the client knows.
    #[n(2)]
    pub head: Head,
}

/// Where the mirror stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ContactReply {
    /// The mirror's head; genesis where there is no such mirror yet.
    #[n(0)]
    pub head: Head,
    /// Who wrote the head; nobody at genesis.
    #[n(1)]
    pub head_lineage: Option<Lineage>,
    /// Whether the client's head lies in the mirror's chain.
    #[n(2)]
    pub in_chain: bool,
    /// If the client's lineage was superseded: the revision number after which it may not write.
    #[n(3)]
    pub superseded_at: Option<u64>,
    /// The source this mirror was claimed for.
    #[n(4)]
    pub source: Option<Source>,
    /// Contents that the receiver found damaged and asks for again.
    #[n(5)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub wanted: Vec<ContentId>,
    /// Whether the mirror's tree holds anything.
    #[n(6)]
    #[cbor(default)]
    pub is_empty: bool,
    /// How many files ceased to exist by this mirror's revisions of the last
    /// [`BRAKE_WINDOW`](crate::limits::BRAKE_WINDOW), by the receiver's clock; see
    /// [`Tree::ended_by`](crate::Tree::ended_by). The client's brake adds what its plan would end.
    #[n(7)]
    #[cbor(default)]
    pub ended_files: u64,
    /// How many files the mirror has now.
    #[n(8)]
    #[cbor(default)]
    pub files: u64,
}

/// Records the source of a mirror; makes the mirror if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claim {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Its source from now on.
    #[n(1)]
    pub source: Source,
    /// The source it had, where a person accepted the new one; absent for a mirror that has none.
    #[n(2)]
    pub replaces: Option<Source>,
}

/// The source is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claimed {}

/// Supersedes a lineage.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TakeOver {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Who writes from now on.
    #[n(1)]
    pub lineage: Lineage,
    /// Who the client was before, which is superseded with every lineage that wrote past the fork.
    #[n(2)]
    pub former: Option<Lineage>,
    /// The last revision both agree on.
    #[n(3)]
    pub fork: Head,
}

/// The takeover is durable.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct TakenOver {}
