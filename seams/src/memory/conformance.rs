//! Memory does what the disk does: the same operations, outcome by outcome.
//!
//! The disk is the measure. What may differ is left out of the outcomes: inode numbers, current times, the sizes
//! and link counts of directories, and the order of names.

mod act;
mod random;
mod refusals;
mod stamps;
mod world;
