//! From a mirror's past back to a directory: trees as of a revision, and what one round changed undone.
//!
//! Knows neither HTTP nor catalogs: what was when is asked of a [`Past`], and everything that is done is told to a
//! [`Listener`]. Nothing is ever half under its own name, no symlink is followed, and what differs from what is to come
//! stays unless [`Rules::overwrite`] says otherwise.

mod fetch;
mod found;
mod listener;
mod metadata;
mod past;
mod place;
mod run;
mod sparse;
mod subtree;
mod undo;
mod undo_parts;
mod undo_plan;

pub use listener::{Deed, Listener};
pub use past::{Kept, Past, PastError};
pub use run::{Rules, Run, RunError};
pub use subtree::restore;
pub use undo::Span;
pub use undo_parts::{UndoError, undo, undo_in_parts};
