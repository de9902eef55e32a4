//! Table `postponed`: the paths that were left out and wait with growing patience.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use protocol::{RelPath, Timestamp};
use rusqlite::{Connection, Row as SqlRow, params};
use seams::known::{PostponedKind, Postponement};

use crate::columns::path;
use crate::error::{Fault, Outcome, SnapshotError};
use crate::snapshot::Snapshot;

/// Paths kept. One that is not kept loses its patience, nothing else: it is tried in every round.
const MOST_POSTPONED: usize = 65_536;

/// Paths and what makes each wait.
type Waiting = BTreeMap<RelPath, Postponement>;

impl Snapshot {
    /// Makes these the paths that wait. Writes the difference only, and nothing if there is none. At most 65,536 are
    /// kept: first those the receiver refused, then those that kept changing.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn set_postponed(&self, postponed: &Waiting) -> Result<(), SnapshotError> {
        let wanted = most_patient(postponed);
        if self.read(|table| all(table.connection()))?.iter().eq(wanted.iter().map(|(path, why)| (*path, *why))) {
            return Ok(());
        }
        self.change(|table| replace(table.connection(), &wanted))
    }
}

/// As many as are kept; problems are tried in every round anyway, and go first.
fn most_patient(postponed: &Waiting) -> BTreeMap<&RelPath, &Postponement> {
    let mut all: Vec<_> = postponed.iter().collect();
    if all.len() > MOST_POSTPONED {
        all.sort_by_key(|(path, why)| (Reverse(why.kind), *path));
        all.truncate(MOST_POSTPONED);
    }
    all.into_iter().collect()
}

/// All that wait.
pub(crate) fn all(connection: &Connection) -> Outcome<Waiting> {
    let sql = "SELECT path, kind, reason, since, tries, last_try, next_try FROM postponed";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let mut waiting = Waiting::new();
    while let Some(row) = found.next()? {
        waiting.insert(path(&row.get::<_, Vec<u8>>(0)?)?, decode(row)?);
    }
    Ok(waiting)
}

fn decode(row: &SqlRow<'_>) -> Outcome<Postponement> {
    Ok(Postponement {
        kind: match row.get(1)? {
            PROBLEM => PostponedKind::Problem,
            DEFERRED => PostponedKind::Deferred,
            REFUSED => PostponedKind::Refused,
            _ => return Err(Fault::Impossible("a path that waits for an unknown reason")),
        },
        reason: row.get(2)?,
        since: Timestamp::from_nanos(row.get(3)?),
        tries: row.get(4)?,
        last_try: Timestamp::from_nanos(row.get(5)?),
        next_try: Timestamp::from_nanos(row.get(6)?),
    })
}

/// Values of column `kind`.
const PROBLEM: i64 = 0;
const DEFERRED: i64 = 1;
const REFUSED: i64 = 2;

fn replace(connection: &Connection, wanted: &BTreeMap<&RelPath, &Postponement>) -> Outcome<()> {
    let present = all(connection)?;
    let mut delete = connection.prepare_cached("DELETE FROM postponed WHERE path = ?1")?;
    for path in present.keys().filter(|path| !wanted.contains_key(path)) {
        delete.execute(params![path.as_bytes()])?;
    }
    for (path, why) in wanted.iter().filter(|(path, why)| present.get(**path) != Some(**why)) {
        put(connection, path, why)?;
    }
    Ok(())
}

fn put(connection: &Connection, path: &RelPath, why: &Postponement) -> Outcome<()> {
    let kind = match why.kind {
        PostponedKind::Problem => PROBLEM,
        PostponedKind::Deferred => DEFERRED,
        PostponedKind::Refused => REFUSED,
    };
    let sql = "INSERT OR REPLACE INTO postponed (path, kind, reason, since, tries, last_try, next_try) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        path.as_bytes(),
        kind,
        why.reason,
        why.since.as_nanos(),
        why.tries,
        why.last_try.as_nanos(),
        why.next_try.as_nanos(),
    ])?;
    Ok(())
}

#[cfg(test)]
#[path = "postponed_tests.rs"]
mod tests;
