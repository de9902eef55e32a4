//! Table `round`: the last rounds, for people.

use protocol::{Head, RoundId, Timestamp};
use rusqlite::{Connection, Row as SqlRow, params};

use crate::error::{Outcome, SnapshotError};
use crate::snapshot::Snapshot;
use crate::table::Table;

/// Rounds that are kept.
const MOST_ROUNDS: u32 = 100;

/// A round that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundRecord {
    /// Its id, which its batches carry.
    pub id: RoundId,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The exit code it would end a process with.
    pub exit: u8,
    /// The JSON line that `--json` prints last.
    pub summary: String,
}

/// The last rounds.
impl Snapshot {
    /// Records a round at its end, in one write; the last 100 are kept. Where the head is not that of the round
    /// recorded before, this is its acknowledgement's time.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn record_round(&self, round: &RoundRecord) -> Result<(), SnapshotError> {
        self.change(|table| {
            note_acknowledgement(table, round.finished)?;
            record(table.connection(), round)
        })
    }

    /// The last rounds, the newest first: at most `most`.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn last_rounds(&self, most: u32) -> Result<Vec<RoundRecord>, SnapshotError> {
        self.read(|table| last(table.connection(), most))
    }

    /// The newest acknowledged revision that a recorded round ended with, and when the first such round ended;
    /// nothing before the first.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn last_acknowledgement(&self) -> Result<Option<(Head, Timestamp)>, SnapshotError> {
        self.read(|table| table.state().acknowledgement())
    }
}

fn note_acknowledgement(table: &Table<'_>, at: Timestamp) -> Outcome<()> {
    let head = table.state().standing()?.head;
    let known = table.state().acknowledgement()?.map_or(Head::genesis(), |(head, _)| head);
    if head == known { Ok(()) } else { table.state().set_acknowledgement(head, at) }
}

/// By number and not by time, for clocks go back.
fn record(connection: &Connection, round: &RoundRecord) -> Outcome<()> {
    let sql = "INSERT OR REPLACE INTO round (id, started, finished, exit, summary) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (started, finished) = (round.started.as_nanos(), round.finished.as_nanos());
    connection.prepare_cached(sql)?.execute(params![
        round.id.as_bytes(),
        started,
        finished,
        round.exit,
        round.summary
    ])?;
    let sql = "DELETE FROM round WHERE number NOT IN (SELECT number FROM round ORDER BY number DESC LIMIT ?1)";
    connection.prepare_cached(sql)?.execute(params![MOST_ROUNDS])?;
    Ok(())
}

fn last(connection: &Connection, most: u32) -> Outcome<Vec<RoundRecord>> {
    let sql = "SELECT id, started, finished, exit, summary FROM round ORDER BY number DESC LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rounds = statement.query_map(params![most], decode)?;
    Ok(rounds.collect::<Result<_, _>>()?)
}

fn decode(row: &SqlRow<'_>) -> rusqlite::Result<RoundRecord> {
    Ok(RoundRecord {
        id: RoundId::from_bytes(row.get(0)?),
        started: Timestamp::from_nanos(row.get(1)?),
        finished: Timestamp::from_nanos(row.get(2)?),
        exit: row.get(3)?,
        summary: row.get(4)?,
    })
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
