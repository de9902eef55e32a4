//! [`Cutter`]: cuts a content while it is read.

use fastcdc::v2020::{Normalization, cut, select_masks};

use crate::{Chunk, ChunkList, Parameters};

/// Cuts what it is fed, in any portions, into the chunks that FastCDC makes of the whole.
///
/// Chunks begin anew at each cut, so cutting from any cut point gives the cuts that cutting from the beginning gives.
/// Holds the list and less than one greatest chunk more than a portion.
#[derive(Debug)]
pub struct Cutter {
    masks: (u64, u64),
    /// What is fed and not cut yet.
    pending: Vec<u8>,
    /// Chunks that are cut, but for the zeros at the end.
    list: ChunkList,
    /// Zeros at the end, which may go on.
    zeros: u64,
    /// Whether the list has room.
    fits: bool,
}

impl Cutter {
    /// Begins a content.
    #[must_use]
    pub fn new(parameters: Parameters) -> Self {
        let masks = select_masks(size(parameters.mean()), Normalization::Level1);
        Self { masks, pending: Vec::new(), list: ChunkList::empty(parameters), zeros: 0, fits: true }
    }

    /// Takes what comes next.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.fits {
            return;
        }
        self.pending.extend_from_slice(bytes);
        let enough = size(self.list.parameters().max());
        let mut at = 0;
        while self.pending.len() - at >= enough {
            at += self.cut_one(at);
        }
        self.pending.drain(..at);
    }

    /// How many bytes lie in chunks that are cut.
    #[must_use]
    pub fn cut_to(&self) -> u64 {
        self.list.length() + self.zeros
    }

    /// The list of the chunks cut so far, without what follows the last cut; nothing where it is too long.
    #[must_use]
    pub fn pause(mut self) -> Option<ChunkList> {
        self.end_zeros();
        self.fits.then_some(self.list)
    }

    /// The list of everything; nothing where it is too long.
    #[must_use]
    pub fn finish(mut self) -> Option<ChunkList> {
        let mut at = 0;
        while at < self.pending.len() && self.fits {
            at += self.cut_one(at);
        }
        self.pause()
    }

    /// Cuts one chunk at `at`, where either a greatest chunk or all that is left is pending. Gives its length.
    fn cut_one(&mut self, at: usize) -> usize {
        let (parameters, (small, large)) = (self.list.parameters(), self.masks);
        let (min, mean, max) = (size(parameters.min()), size(parameters.mean()), size(parameters.max()));
        let source = &self.pending[at..];
        // The last four are the masks, and the same for the first byte of each pair.
        let (_, length) = cut(source, min, mean, max, small, large, small << 1, large << 1);
        let chunk = Chunk::of(&source[..length], u32::try_from(length).expect("a chunk is at most 16 MiB long"));
        match chunk {
            Chunk::Zeros { length } => self.zeros += length,
            Chunk::Bytes { .. } => {
                self.end_zeros();
                self.fits &= self.list.push(chunk);
            }
        }
        length
    }

    fn end_zeros(&mut self) {
        let length = std::mem::take(&mut self.zeros);
        if length > 0 {
            self.fits &= self.list.push(Chunk::Zeros { length });
        }
    }
}

fn size(bytes: u32) -> usize {
    usize::try_from(bytes).expect("sizes of chunks fit into memory")
}

#[cfg(test)]
#[path = "cutter_tests.rs"]
pub(crate) mod tests;
