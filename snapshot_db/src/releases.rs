//! Table `released`: how many files ceased to exist because a person approved it, so that the brake's window does not
//! count them.

use std::time::Duration;

use protocol::Timestamp;
use rusqlite::{Connection, params};

use crate::error::{Outcome, SnapshotError};
use crate::snapshot::Snapshot;

/// What is older counts in no window.
const KEPT_FOR: Duration = Duration::from_hours(48);
/// Rows kept. Where one is forgotten too early, the brake holds more than it must, never less.
const MOST_RELEASES: u32 = 10_000;

/// What a person let go.
impl Snapshot {
    /// Notes that approved changes ended so many files just now. What is older than 48 hours is forgotten, and what
    /// lies in the future: the clock was set back. Writes nothing for no files.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn note_released(&self, now: Timestamp, files: u64) -> Result<(), SnapshotError> {
        if files == 0 {
            return Ok(());
        }
        self.change(|table| note(table.connection(), now, files))
    }

    /// How many files approved changes ended from `since` to `now`, both included. What lies in the future does not
    /// count, lest a clock that once was wrong loosen the brake for as long.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn released_since(&self, since: Timestamp, now: Timestamp) -> Result<u64, SnapshotError> {
        self.read(|table| between(table.connection(), since, now))
    }
}

fn note(connection: &Connection, now: Timestamp, files: u64) -> Outcome<()> {
    let nanos = i64::try_from(KEPT_FOR.as_nanos()).expect("48 hours are less than 292 years");
    let oldest = now.plus_nanos(-nanos);
    let insert = "INSERT INTO released (at, files) VALUES (?1, ?2)";
    connection.prepare_cached(insert)?.execute(params![now.as_nanos(), files.cast_signed()])?;
    let forget = "DELETE FROM released WHERE at NOT BETWEEN ?1 AND ?2 \
        OR number NOT IN (SELECT number FROM released ORDER BY number DESC LIMIT ?3)";
    connection.prepare_cached(forget)?.execute(params![oldest.as_nanos(), now.as_nanos(), MOST_RELEASES])?;
    Ok(())
}

fn between(connection: &Connection, since: Timestamp, now: Timestamp) -> Outcome<u64> {
    let mut statement = connection.prepare_cached("SELECT files FROM released WHERE at BETWEEN ?1 AND ?2")?;
    let mut found = statement.query(params![since.as_nanos(), now.as_nanos()])?;
    let mut sum = 0_u64;
    while let Some(row) = found.next()? {
        sum = sum.saturating_add(row.get::<_, i64>(0)?.cast_unsigned());
    }
    Ok(sum)
}

#[cfg(test)]
#[path = "releases_tests.rs"]
mod tests;
