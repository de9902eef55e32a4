//! What client and receiver share: names, changes, batches, recipes, wire messages, limits.
//!
//! Everything here is a value or a pure function of values. Disk, network, clock and database must not
//! come in: both sides and every test stand on this crate alone.

mod change;
mod entry;
mod id;
pub mod limits;
mod name;
mod path;
mod problem;
mod recipe;
mod refusal;
mod revision;
mod timestamp;
mod tree;
pub mod wire;

pub use change::{Change, ChangeKind};
pub use entry::{Attribute, Entry, Kind, LinkTarget, Metadata};
pub use id::{ContentId, Lineage, RevisionDigest, RoundId, StoreId};
pub use name::{ClientName, InvalidName, MirrorName, Name};
pub use path::{InvalidPath, RelPath, escape, is_harmless};
pub use problem::{Problem, ProblemCode};
pub use recipe::{ByteRange, ContentPlan, Piece, Segment};
pub use refusal::{RefusalReason, Refused};
pub use revision::{Head, canonical_batch};
pub use timestamp::Timestamp;
pub use tree::{Leaving, Tree};
