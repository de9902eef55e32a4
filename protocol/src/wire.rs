//! The messages of protocol version 1. Each is `POST /v1/<route>` with a body of deterministic CBOR.
//!
//! Structures are maps with small integers as keys: unknown optional fields are ignored, unknown kinds refused.
//! docs/PROTOCOL.md tells the story; `wire_golden.rs` holds its golden bytes.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::{
    ByteRange, Change, ContentId, ContentPlan, Entry, Head, Lineage, MirrorName, Piece, Problem, Refused, RelPath,
    RevisionDigest, RoundId, StoreId, Timestamp,
};

/// The oldest protocol version that this program speaks.
pub const PROTOCOL_MIN: u32 = 1;
/// The newest protocol version that this program speaks.
pub const PROTOCOL_MAX: u32 = 1;

macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident, $route:literal, $request:ty => $reply:ty;)*) => {
        /// Any request.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[allow(clippy::large_enum_variant)] // One lives at a time; boxing would only add noise.
        pub enum Request { $($(#[$doc])* $name($request),)* }

        /// The answer to the request of the same name.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Response { $($(#[$doc])* $name($reply),)* }

        impl Request {
            /// Every route, in the order of this file.
            pub const ROUTES: &'static [&'static str] = &[$($route),*];

            /// The last part of the path it is posted to.
            #[must_use]
            pub const fn route(&self) -> &'static str {
                match self { $(Self::$name(_) => $route,)* }
            }

            /// Its body.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(body) => to_cbor(body),)* }
            }

            /// Reads the body posted to a route.
            ///
            /// # Errors
            /// A message for the problem document; an unknown route is one too.
            pub fn decode(route: &str, body: &[u8]) -> Result<Self, String> {
                match route {
                    $($route => from_cbor(body).map(Self::$name),)*
                    other => Err(format!("no such route: {other}")),
                }
            }
        }

        impl Response {
            /// Its body.
            #[must_use]
            pub fn encode(&self) -> Vec<u8> {
                match self { $(Self::$name(body) => to_cbor(body),)* }
            }

            /// Reads the body that answers a request to a route.
            ///
            /// # Errors
            /// What is not a valid answer to that route.
            pub fn decode(route: &str, body: &[u8]) -> Result<Self, String> {
                match route {
                    $($route => from_cbor(body).map(Self::$name),)*
                    other => Err(format!("no such route: {other}")),
                }
            }
        }

        $(impl Call for $request {
            type Reply = $reply;
            fn into_request(self) -> Request { Request::$name(self) }
            fn reply(response: Response) -> Option<$reply> {
                match response { Response::$name(reply) => Some(reply), _ => None }
            }
        })*
    };
}

/// A request with the type of its answer.
pub trait Call {
    /// What answers it.
    type Reply;
    /// As any request.
    fn into_request(self) -> Request;
    /// Its own answer out of any; nothing if it is the answer to something else.
    fn reply(response: Response) -> Option<Self::Reply>;
}

/// What answers a request: a response, or a problem.
pub type Answer = Result<Response, Problem>;

messages! {
    /// Which versions and limits there are, and who I am.
    Hello, "hello", Hello => HelloReply;
    /// Where a mirror stands, seen from where I stand.
    Contact, "contact", Contact => ContactReply;
    /// This mirror is the copy of that source.
    Claim, "claim", Claim => Claimed;
    /// From here on this lineage writes the mirror, and no other.
    TakeOver, "takeover", TakeOver => TakenOver;
    /// What changed between one revision and another, as one set of changes.
    ChangesSince, "changes", ChangesSince => ChangesPage;
    /// The whole tree at a revision.
    ListAt, "list", ListAt => EntriesPage;
    /// I want to apply these changes to that head; what do you need?
    Propose, "propose", Propose => Proposed;
    /// Here are literals of an open proposal.
    Fill, "fill", Fill => Filled;
    /// Apply the proposal, durably, or tell why not.
    Commit, "commit", Commit => Committed;
    /// Bytes of a file as it was at a revision.
    ReadAt, "read", ReadAt => ReadPage;
    /// Compare the catalog with the mirror's real files.
    Check, "check", Check => CheckPage;
}

fn to_cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory cannot fail")
}

fn from_cbor<T: for<'b> Decode<'b, ()>>(body: &[u8]) -> Result<T, String> {
    let mut decoder = minicbor::Decoder::new(body);
    let value = decoder.decode().map_err(|error| error.to_string())?;
    if decoder.position() == body.len() { Ok(value) } else { Err("bytes after the message".to_owned()) }
}

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

/// Asks for the difference of two revisions.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChangesSince {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// The revision the client knows; it must lie in the chain.
    #[n(1)]
    pub since: Head,
    /// The revision to arrive at: the head for the first page, then what that page said.
    #[n(2)]
    pub until: Option<u64>,
    /// How many changes earlier pages held.
    #[n(3)]
    pub skip: u64,
}

/// A part of the difference of two revisions. All parts together are one set of changes on `since`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ChangesPage {
    /// The revision the whole set arrives at.
    #[n(0)]
    pub until: Head,
    /// This part, in the set's order.
    #[n(1)]
    pub changes: Vec<Change>,
    /// Whether there are more.
    #[n(2)]
    pub more: bool,
}

/// Asks for the tree at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListAt {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Which revision: the head if absent, then what the first page said.
    #[n(1)]
    pub revision: Option<u64>,
    /// Only what sorts after this path.
    #[n(2)]
    pub after: Option<RelPath>,
}

/// A part of a tree, sorted by path; the root comes first, as a directory.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EntriesPage {
    /// The revision listed.
    #[n(0)]
    pub revision: Head,
    /// The entries.
    #[n(1)]
    pub entries: Vec<Listed>,
    /// Whether there are more.
    #[n(2)]
    pub more: bool,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Listed {
    /// Where.
    #[n(0)]
    pub path: RelPath,
    /// What.
    #[n(1)]
    pub entry: Entry,
}

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
    /// Contents that are whole now but are not what their id says. What had arrived of them is thrown away.
    #[n(0)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub mismatched: Vec<Mismatch>,
}

/// A content that is not what its id says.
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
    },
}

/// Asks for bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadAt {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// At which revision; the head if absent.
    #[n(1)]
    pub revision: Option<u64>,
    /// Which file.
    #[n(2)]
    pub path: RelPath,
    /// Which bytes; at most [`crate::limits::MAX_READ_BYTES`] are answered.
    #[n(3)]
    pub range: ByteRange,
}

/// Bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ReadPage {
    /// What the file is.
    #[n(0)]
    pub entry: Entry,
    /// The bytes; fewer than asked for only at the end of the file.
    #[n(1)]
    pub data: ByteVec,
}

/// Asks whether the mirror's files are what the catalog says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Check {
    /// Which mirror.
    #[n(0)]
    pub mirror: MirrorName,
    /// Only what sorts after this path.
    #[n(1)]
    pub after: Option<RelPath>,
    /// Whether every file is read, not only looked at.
    #[n(2)]
    pub read_contents: bool,
}

/// A part of what a check found.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CheckPage {
    /// What is not as the catalog says, sorted by path.
    #[n(0)]
    pub findings: Vec<CheckFinding>,
    /// Where to go on; nothing at the end.
    #[n(1)]
    pub next: Option<RelPath>,
}

/// One path that is not as the catalog says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CheckFinding {
    /// Where.
    #[n(0)]
    pub path: RelPath,
    /// What is wrong.
    #[n(1)]
    pub what: CheckVerdict,
}

/// What is wrong with a path of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum CheckVerdict {
    /// The catalog has it, the disk does not.
    #[n(0)]
    Missing,
    /// The disk has it, the catalog does not.
    #[n(1)]
    Extra,
    /// Both have it, but kind, length or bytes differ.
    #[n(2)]
    Damaged,
    /// Only mode or mtime differ.
    #[n(3)]
    Metadata,
}
