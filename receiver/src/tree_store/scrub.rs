//! The scrub: everything that is kept, mirrors and versions alike, is read again, slowly, in the background. What is
//! damaged is named in the log and wanted from then on. No lock is held while a file is read.

use std::time::Duration;

use protocol::{ContentId, Problem};
use seams::fs::File;

use crate::catalog::{DamageKey, Pass, Row};
use crate::tree_store::client::ClientStore;
use crate::tree_store::prefix::Prefix;

/// Rows looked up at once.
const ROWS_AT_ONCE: u32 = 100;
/// What looking at a file costs besides its bytes.
const FILE_COST: u64 = 4 * 1024;
/// Bytes read at once, and how long the disk is left alone after them.
const STEP_BYTES: u64 = 1024 * 1024;
const STEP_PAUSE: Duration = Duration::from_millis(60);
/// However little there is: what may always be read at a time.
const LEAST_AT_A_TIME: u64 = 1024 * 1024;
/// What was missed while the receiver did not run is made up for so many times as fast, and no faster.
const CATCH_UP: u64 = 4;

impl ClientStore {
    /// Reads what has come due, if everything is to be read once in `every` and this is asked every `tick`. Answers how
    /// many bytes that were.
    pub(super) fn scrub(&self, every: Duration, tick: Duration, going: &dyn Fn() -> bool) -> Result<u64, Problem> {
        let now = self.now();
        let known = self.catalog().pass()?;
        let mut pass = match known {
            Some(pass) => pass,
            None => self.catalog().begin_pass(now)?,
        };
        let mut left = allowance(&pass, now.as_nanos().saturating_sub(pass.began.as_nanos()), every, tick);
        let mut read = 0;
        while left > 0 && going() {
            let rows = self.catalog().files_after(pass.last, ROWS_AT_ONCE)?;
            if rows.is_empty() {
                let span = i64::try_from(every.as_nanos()).unwrap_or(i64::MAX);
                let next = pass.began.plus_nanos(span).max(now.plus_nanos(-span));
                tracing::info!(bytes = pass.read, "the scrub has read everything that is kept");
                self.catalog().begin_pass(next)?;
                return Ok(read);
            }
            for row in rows {
                if left == 0 || !going() {
                    break;
                }
                let bytes = self.scrub_row(&row, going)?;
                let cost = bytes.saturating_add(FILE_COST);
                (left, read) = (left.saturating_sub(cost), read + bytes);
                pass.read = pass.read.saturating_add(cost);
                pass.last = DamageKey { node: row.node, from: row.from };
            }
            self.catalog().keep_pass(&pass)?;
        }
        Ok(read)
    }

    /// Reads the file of a row, if it has one of its own. Answers how many bytes that were.
    fn scrub_row(&self, row: &Row, going: &dyn Fn() -> bool) -> Result<u64, Problem> {
        let is_kept = {
            let catalog = self.catalog();
            catalog.is_own(row)? && catalog.place_of(row)?.is_some() && !catalog.is_damaged(row)?
        };
        let Some((content, size)) = row.entry.content().filter(|_| is_kept) else { return Ok(0) };
        let file = match self.open_row(row)? {
            Some(file) => Some(file),
            None => self.open_row_at_rest(row)?,
        };
        let found = match &file {
            Some(file) => self.hash_slowly(&**file, size, going),
            None => Some(None),
        };
        match found {
            Some(Some(found)) if found == content => {}
            // Asked to stop: it is read from its beginning the next time.
            None => return Ok(0),
            Some(_) => self.is_damaged_after_all(row)?,
        }
        Ok(size)
    }

    /// The same when no steps are under way: perhaps it moved just now.
    fn open_row_at_rest(&self, row: &Row) -> Result<Option<Box<dyn File>>, Problem> {
        let Some(record) = self.catalog().mirror_of(row.mirror)? else { return Ok(None) };
        let mirror = self.mirror(&record.name)?;
        let _at_rest = mirror.at_rest();
        self.open_row(row)
    }

    /// BLAKE3 of a file; nothing if asked to stop; nothing inside if it cannot be read.
    fn hash_slowly(&self, file: &dyn File, size: u64, going: &dyn Fn() -> bool) -> Option<Option<ContentId>> {
        let mut prefix = Prefix::default();
        while prefix.length() < size {
            if !going() {
                return None;
            }
            if prefix.length() > 0 {
                self.clock.wait(STEP_PAUSE);
            }
            let end = size.min(prefix.length().saturating_add(STEP_BYTES));
            if prefix.extend(file, end).is_err() {
                return Some(None);
            }
        }
        Some(Some(prefix.digest()))
    }

    fn is_damaged_after_all(&self, row: &Row) -> Result<(), Problem> {
        let catalog_place = self.catalog().place_of(row)?;
        // A batch may have replaced or deleted it meanwhile.
        if catalog_place.is_none() {
            return Ok(());
        }
        tracing::warn!(name = %row.name, place = ?catalog_place, "damaged, and asked for again");
        Ok(self.catalog().want(row, self.now())?)
    }
}

/// How many bytes may be read now.
fn allowance(pass: &Pass, nanos: i64, every: Duration, tick: Duration) -> u64 {
    let share = |time: u128| u128::from(pass.total.max(1)) * time / every.as_nanos().max(1);
    let due = share(u128::try_from(nanos).unwrap_or(0));
    let at_a_time = u64::try_from(share(tick.as_nanos())).unwrap_or(u64::MAX).saturating_mul(CATCH_UP);
    let due = u64::try_from(due).unwrap_or(u64::MAX).saturating_add(u64::from(nanos > 0) * FILE_COST);
    due.saturating_sub(pass.read).min(at_a_time.max(LEAST_AT_A_TIME))
}
