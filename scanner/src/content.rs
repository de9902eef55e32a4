//! [`Making`]: a content id and a chunk list, made of bytes while they are read.
//!
//! Cutting costs as much as reading and hashing together, so that a long content is cut on a thread of its own.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use blake3::Hasher;
use chunking::{ChunkList, Cutter, Parameters, needs_list};
use protocol::ContentId;
use seams::parallel::Parallel;
use seams::stretches::{Stretch, zeros};

/// From this length on a content is cut beside its being read.
const LEAST_BESIDE_BYTES: u64 = 4 * 1024 * 1024;
/// So many buffers wait at most for being cut.
const MOST_WAITING: usize = 4;

/// What is to be made of the bytes of a file.
#[derive(Debug)]
pub(crate) struct Making {
    length: u64,
    /// How an earlier version was cut.
    like: Option<Parameters>,
    /// From the first bytes on, which tell how the file is to be cut; nothing for files that have no list.
    cutter: Option<Cutter>,
}

/// What was made of them.
#[derive(Debug)]
pub(crate) struct Made {
    pub content: ContentId,
    /// How they are cut, where they are worth a list.
    pub list: Option<ChunkList>,
}

/// A stretch that is handed to another thread.
enum Piece {
    Bytes(Vec<u8>),
    Zeros(u64),
}

impl Making {
    /// Begins a file of this length; `like` tells how an earlier version of it was cut.
    pub(crate) fn new(length: u64, like: Option<Parameters>) -> Self {
        let like = like.filter(|like| like.suit(length));
        Self { length, like, cutter: None }
    }

    /// Makes it of what `read` hands on, stretch after stretch.
    pub(crate) fn of<R>(
        mut self,
        parallel: Parallel,
        read: impl FnOnce(&mut dyn FnMut(&Stretch<'_>)) -> R,
    ) -> (R, Made) {
        let mut hasher = Hasher::new();
        let beside = parallel.threads() > 1 && self.length >= LEAST_BESIDE_BYTES && needs_list(self.length);
        let (read, list) = if beside {
            self.cut_beside(|cut| {
                read(&mut |stretch| {
                    cut(stretch);
                    hash(&mut hasher, stretch);
                })
            })
        } else {
            let read = read(&mut |stretch| {
                self.cut(stretch);
                hash(&mut hasher, stretch);
            });
            (read, self.finish())
        };
        (read, Made { content: hasher.finalize().into(), list })
    }

    /// Cuts on a thread of its own what `read` hands on.
    fn cut_beside<R>(self, read: impl FnOnce(&mut dyn FnMut(&Stretch<'_>)) -> R) -> (R, Option<ChunkList>) {
        let (pieces, taken) = sync_channel(MOST_WAITING);
        let (back, spare) = channel();
        thread::scope(|scope| {
            let cutting = scope.spawn(move || self.follow(taken, &back));
            let read = read(&mut |stretch| hand_on(stretch, &pieces, &spare));
            drop(pieces);
            match cutting.join() {
                Ok(list) => (read, list),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Cuts what comes until nothing more does, and gives the buffers back.
    fn follow(mut self, pieces: Receiver<Piece>, back: &Sender<Vec<u8>>) -> Option<ChunkList> {
        for piece in pieces {
            match piece {
                Piece::Zeros(length) => self.cut(&Stretch::Hole(length)),
                Piece::Bytes(bytes) => {
                    self.cut(&Stretch::Data(&bytes));
                    // Whoever reads may be done by now.
                    drop(back.send(bytes));
                }
            }
        }
        self.finish()
    }

    /// Hands a stretch to the cutter, whose first bytes tell how the file is to be cut.
    fn cut(&mut self, stretch: &Stretch<'_>) {
        if !needs_list(self.length) {
            return;
        }
        let (length, like) = (self.length, self.like);
        let begin = |first: &[u8]| Cutter::new(like.unwrap_or_else(|| Parameters::for_file(length, first)));
        match stretch {
            Stretch::Data(bytes) => self.cutter.get_or_insert_with(|| begin(bytes)).feed(bytes),
            Stretch::Hole(hole) => {
                let first = zeros(*hole).next().unwrap_or_default();
                self.cutter.get_or_insert_with(|| begin(first)).feed_zeros(*hole);
            }
        }
    }

    fn finish(self) -> Option<ChunkList> {
        self.cutter.and_then(Cutter::finish)
    }
}

fn hash(hasher: &mut Hasher, stretch: &Stretch<'_>) {
    stretch.portions().for_each(|portion| {
        hasher.update(portion);
    });
}

/// Hands a stretch to whoever follows, in a buffer that came back if there is one.
fn hand_on(stretch: &Stretch<'_>, pieces: &SyncSender<Piece>, spare: &Receiver<Vec<u8>>) {
    let piece = match stretch {
        Stretch::Hole(hole) => Piece::Zeros(*hole),
        Stretch::Data(bytes) => {
            let mut buffer = spare.try_recv().unwrap_or_default();
            buffer.clear();
            buffer.extend_from_slice(bytes);
            Piece::Bytes(buffer)
        }
    };
    // It follows to the end, unless it panicked, which is told when it is waited for.
    drop(pieces.send(piece));
}

#[cfg(test)]
#[path = "content_tests.rs"]
mod tests;
