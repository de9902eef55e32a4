//! The snapshot: what the receiver acknowledged, and apart from it what was last read of the source.
//!
//! One SQLite database a mirror. Only the acknowledged half steers what is sent; the read half saves reading again.
//! The whole can be thrown away and rebuilt: the receiver is asked for the one half, the source is read for the
//! other. This crate keeps rows. It does not compare, walk or send, and no SQL type leaves it. The schema is
//! docs/SNAPSHOT.md.
//!
//! Every change of more than one row is one transaction: after a kill at any moment the snapshot is as before or
//! as after. A power cut may lose the newest transactions, never their order; see [`Snapshot::note_in_flight`].

mod acknowledge;
mod boots;
mod chunk_lists;
mod chunk_lists_budget;
mod columns;
mod connect;
mod decode;
mod encode;
mod error;
mod filesystems;
mod finder;
mod held;
mod holds;
mod known;
mod migrate;
mod mounts;
mod namesakes;
mod notes;
mod open;
mod paths;
mod postponed;
mod readers;
mod readings;
mod releases;
mod replace;
mod rounds;
mod scratch;
mod set_aside;
mod snapshot;
mod state;
mod table;
mod tree;
mod unfinished;

pub use error::SnapshotError;
pub use held::{Decided, Decision, HeldDigest, HeldList};
pub use open::Opened;
pub use rounds::RoundRecord;
pub use scratch::ScratchDatabase;
pub use set_aside::set_aside;
pub use snapshot::Snapshot;
pub use state::{Counts, Standing};
pub use unfinished::Pending;

#[cfg(test)]
mod place;
#[cfg(test)]
mod testing;
