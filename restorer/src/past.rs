//! [`Past`]: where it is asked what a mirror was.

use std::error::Error;
use std::fmt::Debug;

use protocol::wire::Listed;
use protocol::{ByteRange, Change, Entry, RelPath};
use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum PastError {
    /// This one thing cannot be had; others can.
    #[error("{0}")]
    Lost(String),
    /// Nothing can be had any more.
    #[error(transparent)]
    Ended(Box<dyn Error + Send + Sync>),
}

/// What whoever keeps a file finds of it, after what came of it was not its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is damaged there, and noted as that.
    Damaged,
    /// It is whole there: it was spoiled on its way.
    Whole,
    /// Nobody looked.
    Unknown,
}

/// One mirror at all of its revisions. Asked from several threads.
pub trait Past: Debug + Sync {
    /// A page of the tree at a revision, sorted by path, from the root or after a path; and whether there is more.
    ///
    /// # Errors
    /// See [`PastError`]; so for all that follow.
    fn list(&self, revision: u64, after: Option<&RelPath>) -> Result<(Vec<Listed>, bool), PastError>;

    /// What is at each of these paths of a revision.
    fn entries(&self, revision: u64, paths: &[RelPath]) -> Result<Vec<Option<Entry>>, PastError>;

    /// Bytes of a file of a revision; fewer than asked for where an answer holds no more, none only at its end.
    fn read(&self, revision: u64, path: &RelPath, range: ByteRange) -> Result<Vec<u8>, PastError>;

    /// Has a file of so many bytes looked at where it is kept: what came of it was not its content.
    fn look_again(&self, revision: u64, path: &RelPath, size: u64) -> Result<Kept, PastError>;

    /// What leads from one revision to a later one, as one set of changes; nothing where that is more than `most`.
    fn changes(&self, since: u64, until: u64, most: usize) -> Result<Option<Vec<Change>>, PastError>;
}
