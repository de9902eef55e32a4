//! [`Listener`]: told what is done, as it is done, from any thread.

use std::fmt::Debug;

use protocol::RelPath;

/// What was done at a path, or would be in a dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Something came where nothing was.
    Created,
    /// Something else gave way.
    Replaced,
    /// The same thing has its metadata back.
    Metadata,
    /// It came back from there.
    Moved {
        /// Where it was.
        from: RelPath,
    },
    /// It went.
    Removed,
    /// It was so already.
    Unchanged,
}

/// Who listens.
pub trait Listener: Debug + Sync {
    /// Something was done.
    fn did(&self, path: &RelPath, is_directory: bool, deed: Deed);

    /// Something could not be done, or was left undone, and why.
    fn problem(&self, path: &RelPath, reason: &str);

    /// A file of so many bytes is next.
    fn expects(&self, bytes: u64);

    /// So many bytes of contents arrived.
    fn fetched(&self, bytes: u64);
}
