//! [`Ledger`]: what a client keeps about one mirror. Implemented over the snapshot; here only what is needed of it.

use std::fmt::Debug;
use std::io;

use protocol::{Change, Entry, Head, Lineage, Metadata, RelPath, RevisionDigest, StoreId};

/// Where a client stands towards its mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Who it is.
    pub lineage: Lineage,
    /// The head it knows to be acknowledged; genesis for a new state directory.
    pub head: Head,
    /// Which data directory acknowledged it.
    pub store: Option<StoreId>,
    /// The digest of the commit it sent last, if no acknowledgement came.
    pub in_flight: Option<RevisionDigest>,
}

/// What the client keeps. Every change is atomic; it is durable at the latest when the next
/// [`Ledger::note_in_flight`] returns. What a power cut takes back before that, the next contact brings again.
pub trait Ledger: Debug + Send + Sync {
    /// Where the client stands.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn standing(&self) -> io::Result<Standing>;

    /// From now on the client is this lineage.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing is.
    fn set_lineage(&self, lineage: Lineage) -> io::Result<()>;

    /// From now on this data directory is the client's receiver.
    ///
    /// # Errors
    /// Where it cannot be written; then nothing is.
    fn set_store(&self, store: StoreId) -> io::Result<()>;

    /// A commit that would make this digest is about to be sent. Durable when it returns, with all changes before.
    ///
    /// # Errors
    /// Where it cannot be written; then the commit must not be sent.
    fn note_in_flight(&self, digest: RevisionDigest) -> io::Result<()>;

    /// These changes, a set on the present head, are acknowledged and made `head`. Nothing is in flight any more.
    ///
    /// # Errors
    /// Where it cannot be written, or the changes do not fit what is recorded; then nothing is.
    fn acknowledge(&self, head: Head, changes: &[Change]) -> io::Result<()>;

    /// The mirror is exactly this, at `head`: everything acknowledged before is forgotten, what was read from the
    /// source stays. Nothing is in flight any more. Entries come sorted by path, without the root.
    ///
    /// # Errors
    /// Where it cannot be written, or the entries break off with an error; then nothing is changed.
    fn replace_acknowledged(
        &self,
        head: Head,
        root: &Metadata,
        entries: &mut dyn Iterator<Item = io::Result<(RelPath, Entry)>>,
    ) -> io::Result<()>;
}
