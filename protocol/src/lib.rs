//! What client and receiver share: names, changes, batches, recipes, wire messages, limits.
//!
//! Everything here is a value or a pure function of values. Disk, network, clock and database must not
//! come in: both sides and every test stand on this crate alone.

mod id;
mod name;
mod path;
mod timestamp;
mod entry;
mod change;
mod refusal;
mod tree;
mod revision;
mod recipe;
pub mod limits;
mod problem;
pub mod wire;

pub use change::{Change, ChangeKind};
pub use entry::{Attribute, Entry, Kind, LinkTarget, Metadata};
pub use id::{ContentId, Lineage, RevisionDigest, RoundId, StoreId};
pub use name::{ClientName, InvalidName, MirrorName, Name};
pub use path::{InvalidPath, RelPath, escape};
pub use problem::{Problem, ProblemCode};
pub use recipe::{ByteRange, ContentPlan, Piece, Segment};
pub use refusal::{RefusalReason, Refused};
pub use revision::{Head, canonical_batch};
pub use timestamp::Timestamp;
pub use tree::Tree;
