//! What every end-to-end test stands on: a world with a source, a receiver and the command, and trees to compare.

pub(crate) mod aftermath;
pub(crate) mod edited;
pub(crate) mod mounts;
pub(crate) mod place;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod relay;
pub(crate) mod tree;
pub(crate) mod world;

pub(crate) use aftermath::{Kept, assert_nothing_left_over};
pub(crate) use edited::Edited;
pub(crate) use mounts::{Kind, Mounts};
pub(crate) use process::{PATIENCE, Started, comes_true, wait_until};
pub(crate) use random::{Random, sized};
pub(crate) use relay::Relay;
pub(crate) use tree::{assert_mirrored, many_files, noise, write};
pub(crate) use world::{Outcome, Receiver, World};
