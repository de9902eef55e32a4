//! Undoing as much as there is: what does not fit in memory is undone in parts, the last revisions first.

use protocol::RelPath;
use thiserror::Error;

use crate::PastError;
use crate::run::{Run, RunError};
use crate::undo::{Span, ended, undo_changes};

/// Most changes that are undone at once: all are in memory. What is more is undone in parts.
const MAX_UNDO_CHANGES: usize = 131_072;

/// Why a round is not undone, or not to its end.
#[derive(Debug, Error)]
pub enum UndoError {
    /// The run ended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// It changed more than fits in memory, and what lay between its first revision and its last is not kept any more.
    #[error(
        "the round changed more than {MAX_UNDO_CHANGES} paths in revisions that are not kept one by one any more, which \
         is more than can be undone at once"
    )]
    TooMany,
}

/// Undoes what changed over some revisions.
///
/// # Errors
/// See [`UndoError`]; what is wrong with single paths is told to the listener.
pub fn undo(run: &Run<'_>, span: Span) -> Result<(), UndoError> {
    undo_in_parts(run, span, MAX_UNDO_CHANGES)
}

/// The same, with at most so many changes in memory: what is more is undone in parts, the last revisions first.
///
/// # Errors
/// As [`undo`].
pub fn undo_in_parts(run: &Run<'_>, span: Span, most: usize) -> Result<(), UndoError> {
    let mut parts = vec![span];
    while let Some(span) = parts.pop() {
        run.go_on()?;
        match run.past.changes(span.before, span.after, most).map_err(ended)? {
            Some(changes) => undo_changes(run, span, changes)?,
            None => {
                let middle = kept_between(run, span)?.ok_or(UndoError::TooMany)?;
                parts.push(Span { after: middle, ..span });
                parts.push(Span { before: middle, ..span });
            }
        }
    }
    Ok(run.make_durable()?)
}

/// A revision that is kept between the ends of a span, the nearest to its middle.
fn kept_between(run: &Run<'_>, span: Span) -> Result<Option<u64>, RunError> {
    let middle = span.before + (span.after - span.before) / 2;
    let mut candidates: Vec<u64> = (span.before + 1..span.after).collect();
    candidates.sort_by_key(|revision| revision.abs_diff(middle));
    for revision in candidates {
        match run.past.entries(revision, &[RelPath::root()]) {
            Ok(_) => return Ok(Some(revision)),
            Err(PastError::Lost(_)) => {}
            Err(error) => return Err(ended(error)),
        }
    }
    Ok(None)
}
