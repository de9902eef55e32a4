//! [`Making`]: a content id and a chunk list, made of bytes while they are read.

use blake3::Hasher;
use chunking::{ChunkList, Cutter, Parameters, needs_list};
use protocol::ContentId;

/// What is being made of the bytes of a file.
#[derive(Debug)]
pub(crate) struct Making {
    hasher: Hasher,
    length: u64,
    /// How an earlier version was cut.
    like: Option<Parameters>,
    /// From the first bytes on, which tell how the file is to be cut; nothing for files that have no list.
    cutter: Option<Cutter>,
}

impl Making {
    /// Begins a file of this length; `like` tells how an earlier version of it was cut.
    pub(crate) fn new(length: u64, like: Option<Parameters>) -> Self {
        let like = like.filter(|like| like.suit(length));
        Self { hasher: Hasher::new(), length, like, cutter: None }
    }

    /// Takes what comes next.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        if needs_list(self.length) {
            let (length, like) = (self.length, self.like);
            let begin = || Cutter::new(like.unwrap_or_else(|| Parameters::for_file(length, bytes)));
            self.cutter.get_or_insert_with(begin).feed(bytes);
        }
    }

    /// What the bytes are, and how they are cut where they need a list.
    pub(crate) fn finish(self) -> (ContentId, Option<ChunkList>) {
        (self.hasher.finalize().into(), self.cutter.and_then(Cutter::finish))
    }
}
