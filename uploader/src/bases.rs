//! [`Bases`]: what the mirror has, as far as contents can be put together from it.

use std::fmt::Debug;
use std::io;

use chunking::ChunkList;
use protocol::ContentId;

/// Knows how contents are cut, and which of them the receiver acknowledged. All fail only as the snapshot does.
pub trait Bases: Debug + Sync {
    /// The content that the mirror has at the place where this new one goes: most of it is likely the same.
    fn base_of(&self, content: &ContentId) -> Option<ContentId>;

    /// How a content is cut; nothing where that is not known.
    ///
    /// # Errors
    /// Where the snapshot cannot be read or written; so for all that follow.
    fn list(&self, content: &ContentId) -> io::Result<Option<ChunkList>>;

    /// The list of this number, and whose it is.
    fn list_numbered(&self, number: i64) -> io::Result<Option<(ContentId, ChunkList)>>;

    /// What all lists take, in bytes.
    fn list_bytes(&self) -> io::Result<u64>;

    /// Shows the numbers and lists of all contents that the receiver acknowledged.
    fn each_acknowledged(&self, show: &mut dyn FnMut(i64, &ChunkList)) -> io::Result<()>;

    /// Keeps a list that was lost.
    fn record(&self, content: &ContentId, list: &ChunkList) -> io::Result<()>;

    /// Forgets a list that did not tell the truth.
    fn forget(&self, content: &ContentId) -> io::Result<()>;
}

/// Knows nothing: everything is literal.
#[derive(Debug, Clone, Copy)]
pub struct NoBases;

impl Bases for NoBases {
    fn base_of(&self, _: &ContentId) -> Option<ContentId> {
        None
    }

    fn list(&self, _: &ContentId) -> io::Result<Option<ChunkList>> {
        Ok(None)
    }

    fn list_numbered(&self, _: i64) -> io::Result<Option<(ContentId, ChunkList)>> {
        Ok(None)
    }

    fn list_bytes(&self) -> io::Result<u64> {
        Ok(0)
    }

    fn each_acknowledged(&self, _: &mut dyn FnMut(i64, &ChunkList)) -> io::Result<()> {
        Ok(())
    }

    fn record(&self, _: &ContentId, _: &ChunkList) -> io::Result<()> {
        Ok(())
    }

    fn forget(&self, _: &ContentId) -> io::Result<()> {
        Ok(())
    }
}
