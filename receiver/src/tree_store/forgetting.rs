//! [`Forgetting`]: lets go what only revisions without a tree need: rows first, then what they kept among the versions.
//!
//! Closed rows that lie wholly in a gap between two kept revisions go. A row below a deleted directory is still open, and
//! holds only until that directory went: those that came to be in the gap go one by one where the directory is still
//! needed, and with it where it is not. Everything is found in pages and let go in small transactions, so that nobody
//! waits for long; a pass that is broken off anywhere finds the rest the next time.

use protocol::{Kind, Problem};

use crate::catalog::{Forget, Gap, MirrorId, Node, Row};
use crate::tree_store::client::ClientStore;

/// Rows that one transaction lets go.
const ROWS_AT_ONCE: u32 = 500;
/// Rows of one directory that are read at once: as many directories as a path is deep may be under way.
const ROWS_OF_A_DIRECTORY: u32 = 64;

/// Whether a pass may go on.
pub(super) type Going<'a> = &'a dyn Fn() -> bool;

/// How far letting go came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// All of it is done.
    Done,
    /// Somebody asked to stop, or an open proposal needs a content that would go.
    BrokenOff,
}

/// One gap of one mirror.
pub(super) struct Forgetting<'a> {
    store: &'a ClientStore,
    mirror: MirrorId,
    gap: Gap,
    going: Going<'a>,
    /// What is let go next, in this order.
    rows: Vec<Forget>,
    progress: Progress,
}

impl<'a> Forgetting<'a> {
    pub(super) fn new(store: &'a ClientStore, mirror: MirrorId, gap: Gap, going: Going<'a>) -> Self {
        Self { store, mirror, gap, going, rows: Vec::new(), progress: Progress::Done }
    }

    /// Lets go everything that only revisions in the gap need.
    pub(super) fn run(mut self) -> Result<Progress, Problem> {
        self.closed_rows()?;
        let ended = self.store.catalog().ended_in(self.mirror, self.gap)?;
        for directory in ended {
            self.below(directory, false)?;
        }
        self.flush()?;
        Ok(self.progress)
    }

    fn may_go_on(&mut self) -> bool {
        if !(self.going)() {
            self.progress = Progress::BrokenOff;
        }
        self.progress == Progress::Done
    }

    fn closed_rows(&mut self) -> Result<(), Problem> {
        while self.may_go_on() {
            let page = self.store.catalog().closed_in(self.mirror, self.gap, ROWS_AT_ONCE)?;
            if page.is_empty() {
                break;
            }
            for row in page {
                if self.goes_with_all_in_it(&row)? {
                    self.below(row.node, true)?;
                }
                self.rows.push(Forget::Closed(row));
            }
            self.flush()?;
        }
        Ok(())
    }

    /// Whether a closed row is the end of a directory that is in no kept revision.
    fn goes_with_all_in_it(&self, row: &Row) -> Result<bool, Problem> {
        if row.entry.kind() != Kind::Directory {
            return Ok(false);
        }
        let catalog = self.store.catalog();
        Ok(!catalog.is_in_or_before(row.node, self.gap.after)? && catalog.is_last(row)?)
    }

    /// Lets go what came into a dead directory in the gap, deepest first. Where the directory goes, all of it did.
    fn below(&mut self, directory: Node, goes_along: bool) -> Result<(), Problem> {
        let mut after = None;
        while self.may_go_on() {
            let page = self.store.catalog().open_in(directory, after.as_ref(), ROWS_OF_A_DIRECTORY)?;
            let Some(last) = page.last() else { break };
            after = Some(last.name.clone());
            for row in page {
                let is_needed = row.from <= self.gap.after;
                if row.entry.kind() == Kind::Directory {
                    let was_elsewhere = self.store.catalog().is_in_or_before(row.node, self.gap.after)?;
                    self.below(row.node, !was_elsewhere)?;
                }
                if !is_needed {
                    self.rows.push(Forget::Dead { row, goes_along });
                }
            }
            if self.rows.len() >= ROWS_AT_ONCE as usize {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Lets go what was found, unless somebody counts on it.
    fn flush(&mut self) -> Result<(), Problem> {
        let rows = std::mem::take(&mut self.rows);
        if rows.is_empty() || self.progress != Progress::Done {
            return Ok(());
        }
        let are_taken_out = {
            let _no_new_pins = self.store.before_pins_come();
            let pinned = self.store.pinned();
            let content = |forget: &Forget| forget.row().entry.content().map(|(content, _)| content);
            if rows.iter().filter_map(content).any(|content| pinned.contains(&content)) {
                self.progress = Progress::BrokenOff;
                return Ok(());
            }
            self.store.catalog().forget(&rows, &mut || self.store.new_version(), self.store.now())?
        };
        if are_taken_out { self.store.take_out_of_versions() } else { Ok(()) }
    }
}
