//! The messages of protocol version 1. Each is `POST /v1/<route>` with a body of deterministic CBOR.
//!
//! Structures are maps with small integers as keys: unknown optional fields are ignored, unknown kinds refused.
//! docs/PROTOCOL.md tells the story; `tests/golden.rs` holds its golden bytes.

mod body;
mod check;
mod chunks;
mod contact;
mod delivery;
mod history;
mod join;
mod mend;
mod past;

use minicbor::{Decode, Encode};

pub use body::{Body, Packed, UnpackError, ZSTD, ZSTD_BODIES, may_be_packed};
pub use check::{Check, CheckFinding, CheckPage, CheckVerdict};
pub use chunks::{ChunkQuery, Chunked, Chunks, ChunksPage};
pub use contact::{Claim, Claimed, Contact, ContactReply, Hello, HelloReply, Limits, Source, TakeOver, TakenOver};
pub use delivery::{
    Commit, Committed, Compression, CopiedRange, Fill, Filled, Mismatch, Missing, Propose, Proposed, Round,
};
pub use history::{ChangesPage, ChangesSince, EntriesPage, ListAt, Listed, ReadAt, ReadPage};
pub use join::{InviteSecret, JOIN_ROUTE, Join, Joined};
pub use mend::{Mend, Mended, Wanted};
pub use past::{
    Along, Began, ChangeCounts, Ended, EntriesAt, FoundEntries, KnownMirror, Mirrors, MirrorsPage, Onward, Revision,
    Revisions, RevisionsPage, Version, Versions, VersionsPage,
};

use crate::Problem;

/// The oldest protocol version that this program speaks.
pub const PROTOCOL_MIN: u32 = 1;
/// The newest protocol version that this program speaks.
pub const PROTOCOL_MAX: u32 = 1;

/// Whether a switch is left out of a message.
#[allow(clippy::trivially_copy_pass_by_ref)] // As the derive calls it.
const fn is_false(switch: &bool) -> bool {
    !*switch
}

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
    /// How contents that the receiver holds are cut into chunks.
    Chunks, "chunks", Chunks => ChunksPage;
    /// Which contents do you want again? Here they are; put right what is damaged.
    Mend, "mend", Mend => Mended;
    /// Which mirrors I have.
    Mirrors, "mirrors", Mirrors => MirrorsPage;
    /// The revisions of a mirror.
    Revisions, "revisions", Revisions => RevisionsPage;
    /// The versions of what is, or was, at a path.
    Versions, "versions", Versions => VersionsPage;
    /// What is at some paths of a revision.
    EntriesAt, "entries", EntriesAt => FoundEntries;
}

fn to_cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory cannot fail")
}

fn from_cbor<T: for<'b> Decode<'b, ()>>(body: &[u8]) -> Result<T, String> {
    let mut decoder = minicbor::Decoder::new(body);
    let value = decoder.decode().map_err(|error| error.to_string())?;
    if decoder.position() == body.len() { Ok(value) } else { Err("bytes after the message".to_owned()) }
}
