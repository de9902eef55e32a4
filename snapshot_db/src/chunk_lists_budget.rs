//! The budget of table `chunk_list`: which lists go where all of them take too much.

use rusqlite::params;

use crate::chunk_lists::ROW_BYTES;
use crate::error::{Outcome, SnapshotError};
use crate::snapshot::Snapshot;
use crate::table::Table;

/// Over its budget, a table is trimmed to so many hundredths of it, so that not every round has to.
const TRIMMED_PERCENT: u64 = 90;

impl Snapshot {
    /// Forgets lists until they take no more than `budget` bytes: first those of contents that no row names any more, then
    /// those of the biggest and longest unchanged. Within the budget nothing is looked at.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn trim_chunk_lists(&self, budget: u64) -> Result<(), SnapshotError> {
        if self.chunk_list_bytes()? <= budget {
            return Ok(());
        }
        self.change(|table| {
            forget_unnamed(table)?;
            forget_largest(table, budget)
        })
    }
}

fn forget_unnamed(table: &Table<'_>) -> Outcome<()> {
    let sql = "DELETE FROM chunk_list WHERE content NOT IN (SELECT content FROM entry WHERE content IS NOT NULL \
               UNION ALL SELECT read_content FROM entry WHERE read_content IS NOT NULL)";
    table.connection().execute(sql, [])?;
    let sql = "SELECT coalesce(sum(length(list) + ?1), 0) FROM chunk_list";
    let left: i64 = table.connection().query_row(sql, params![ROW_BYTES], |row| row.get(0))?;
    table.state().add_chunk_list_bytes(left - table.state().chunk_list_bytes()?)
}

/// A list goes the earlier the more bytes times seconds it has lain there unchanged; all of one age, the biggest first.
fn forget_largest(table: &Table<'_>, budget: u64) -> Outcome<()> {
    let excess = excess(u64::try_from(table.state().chunk_list_bytes()?).unwrap_or_default(), budget);
    let sql = "SELECT rowid, length(list) + ?1 FROM chunk_list ORDER BY \
               length(list) * ((SELECT max(used) FROM chunk_list) - used + 1e9) DESC, rowid";
    let mut statement = table.connection().prepare_cached(sql)?;
    let rows = statement.query_map(params![ROW_BYTES], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
    let (mut goes, mut freed) = (Vec::new(), 0);
    for row in rows {
        if freed >= excess {
            break;
        }
        let (number, bytes) = row?;
        goes.push(number);
        freed += bytes;
    }
    let mut delete = table.connection().prepare_cached("DELETE FROM chunk_list WHERE rowid = ?1")?;
    goes.iter().try_for_each(|number| delete.execute(params![number]).map(drop))?;
    table.state().add_chunk_list_bytes(-freed)
}

/// How many bytes have to go.
fn excess(taken: u64, budget: u64) -> i64 {
    let target = u128::from(budget) * u128::from(TRIMMED_PERCENT) / 100;
    let excess = if taken > budget { u128::from(taken) - target } else { 0 };
    i64::try_from(excess).unwrap_or(i64::MAX)
}
