//! [`Contents`]: where the bytes of contents are read.

use std::fmt::Debug;
use std::io;

use protocol::{ByteRange, ContentId};
use thiserror::Error;

/// Why bytes of a content could not be read.
#[derive(Debug, Error)]
pub enum ContentError {
    /// No file has this content any more.
    #[error("the file changed since it was read")]
    Changed,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[source] io::Error),
}

/// Reads contents by id, from several threads.
pub trait Contents: Debug + Sync {
    /// Adds exactly the bytes of `range` to `into`.
    ///
    /// # Errors
    /// Where they are not to be had; what was added then is of no use.
    fn read(&self, content: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError>;
}
