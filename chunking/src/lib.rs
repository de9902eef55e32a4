//! Content-defined chunks: cutting files, remembering how they were cut, and finding in that what need not be sent.
//!
//! A [`Cutter`] makes a [`ChunkList`] in the one read in which a file is hashed. [`recipe()`] compares lists and needs
//! no file; an [`Index`] finds lists worth comparing across files. Everything here is pure. Nothing here decides what a
//! file holds: a chunk that is taken for another costs a recipe that does not fit, and the receiver's BLAKE3 tells.

mod cutter;
mod index;
mod list;
mod parameters;
mod recipe;

pub use cutter::Cutter;
pub use index::Index;
pub use list::{BadList, Chunk, ChunkList, MAX_LIST_BYTES};
pub use parameters::{CHUNKER, Parameters, needs_list};
pub use recipe::{Base, recipe};
