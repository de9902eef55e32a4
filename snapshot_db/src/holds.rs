//! Tables `held_list`, `held_change` and `let_go`: what the brake holds, across rounds and beside a running loop.

use protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

use crate::columns::{from_cbor, to_cbor};
use crate::error::{Fault, Outcome, SnapshotError};
use crate::held::{Decided, Decision, HeldDigest, HeldList};
use crate::snapshot::Snapshot;

/// Approved lists kept beside the current one until they are dropped; beyond, the oldest go: what they let through is
/// then held again.
const MOST_APPROVED: u32 = 100;
/// Lists let go that are remembered, so that approving one again can be answered.
const MOST_LET_GO: u32 = 100;

/// What the brake holds.
impl Snapshot {
    /// The lists that are held or approved, oldest first: at most one of them is not approved.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn held_lists(&self) -> Result<Vec<HeldList>, SnapshotError> {
        self.read(|table| table.in_one_view(|table| lists(table.connection())))
    }

    /// The digests of lists that were approved and let go, and when they were approved; the newest 100, oldest first.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged.
    pub fn let_go(&self) -> Result<Vec<(HeldDigest, Timestamp)>, SnapshotError> {
        self.read(|table| let_go(table.connection()))
    }

    /// Makes this the list that is held now. One of the same digest keeps its time and its decision. Any other that
    /// is not approved is dropped. Writes nothing if all is so already.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn hold(&self, list: &HeldList) -> Result<(), SnapshotError> {
        if self.read(|table| is_current(table.connection(), &list.digest))? {
            return Ok(());
        }
        self.change(|table| hold(table.connection(), list))
    }

    /// Drops a list: what it holds went, or is not planned any more. One that was approved is remembered as let go.
    /// Writes nothing if there is no such list.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn drop_held(&self, digest: &HeldDigest) -> Result<(), SnapshotError> {
        if self.read(|table| decision_on(table.connection(), digest))?.is_none() {
            return Ok(());
        }
        self.change(|table| drop_list(table.connection(), digest))
    }

    /// Decides about a held list. Works beside a running round, which takes notice when it reads the lists again.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing is changed.
    pub fn decide(&self, digest: &HeldDigest, decision: Decision, at: Timestamp) -> Result<Decided, SnapshotError> {
        self.change(|table| decide(table.connection(), digest, decision, at))
    }
}

fn lists(connection: &Connection) -> Outcome<Vec<HeldList>> {
    let sql = "SELECT number, digest, since, decision, decided FROM held_list ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query([])?;
    let mut lists = Vec::new();
    while let Some(row) = found.next()? {
        lists.push(HeldList {
            digest: HeldDigest::from_bytes(row.get(1)?),
            since: Timestamp::from_nanos(row.get(2)?),
            decision: decision_in(row, 3)?,
            changes: changes(connection, row.get(0)?)?,
        });
    }
    Ok(lists)
}

fn changes(connection: &Connection, list: i64) -> Outcome<Vec<(protocol::Change, u64)>> {
    let sql = "SELECT change, files FROM held_change WHERE list = ?1 ORDER BY place";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = statement.query(params![list])?;
    let mut changes = Vec::new();
    while let Some(row) = found.next()? {
        let change: Vec<u8> = row.get(0)?;
        changes.push((from_cbor(&change)?, row.get::<_, i64>(1)?.cast_unsigned()));
    }
    Ok(changes)
}

fn let_go(connection: &Connection) -> Outcome<Vec<(HeldDigest, Timestamp)>> {
    let mut statement = connection.prepare_cached("SELECT digest, decided FROM let_go ORDER BY number")?;
    let digest = |row: &SqlRow<'_>| Ok((HeldDigest::from_bytes(row.get(0)?), Timestamp::from_nanos(row.get(1)?)));
    let found = statement.query_map([], digest)?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Whether this list is held, and no other that is not approved.
fn is_current(connection: &Connection, digest: &HeldDigest) -> Outcome<bool> {
    let sql = "SELECT digest = ?1 FROM held_list WHERE digest = ?1 OR decision IS NOT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![digest.as_bytes(), APPROVED], |row| row.get(0))?;
    Ok(found.collect::<Result<Vec<bool>, _>>()? == [true])
}

fn hold(connection: &Connection, list: &HeldList) -> Outcome<()> {
    let drop_others = "DELETE FROM held_list WHERE digest <> ?1 AND decision IS NOT ?2";
    connection.prepare_cached(drop_others)?.execute(params![list.digest.as_bytes(), APPROVED])?;
    let drop_oldest = "DELETE FROM held_list WHERE decision = ?1 AND number NOT IN \
        (SELECT number FROM held_list WHERE decision = ?1 ORDER BY number DESC LIMIT ?2)";
    connection.prepare_cached(drop_oldest)?.execute(params![APPROVED, MOST_APPROVED])?;
    sweep(connection)?;
    match decision_on(connection, &list.digest)? {
        Some(_) => Ok(()),
        None => insert(connection, list),
    }
}

fn insert(connection: &Connection, list: &HeldList) -> Outcome<()> {
    let (decision, decided) = list.decision.unzip();
    let sql = "INSERT INTO held_list (digest, since, decision, decided) VALUES (?1, ?2, ?3, ?4) RETURNING number";
    let number: i64 = connection.prepare_cached(sql)?.query_row(
        params![list.digest.as_bytes(), list.since.as_nanos(), decision.map(code), decided.map(Timestamp::as_nanos)],
        |row| row.get(0),
    )?;
    let sql = "INSERT INTO held_change (list, place, change, files) VALUES (?1, ?2, ?3, ?4)";
    let mut statement = connection.prepare_cached(sql)?;
    for (place, (change, files)) in (0_i64..).zip(&list.changes) {
        statement.execute(params![number, place, to_cbor(change), files.cast_signed()])?;
    }
    Ok(())
}

fn drop_list(connection: &Connection, digest: &HeldDigest) -> Outcome<()> {
    if let Some(Some((Decision::Approved, decided))) = decision_on(connection, digest)? {
        remember(connection, digest, decided)?;
    }
    connection.prepare_cached("DELETE FROM held_list WHERE digest = ?1")?.execute(params![digest.as_bytes()])?;
    sweep(connection)
}

fn remember(connection: &Connection, digest: &HeldDigest, decided: Timestamp) -> Outcome<()> {
    let sql = "INSERT OR REPLACE INTO let_go (digest, decided) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![digest.as_bytes(), decided.as_nanos()])?;
    let sql = "DELETE FROM let_go WHERE number NOT IN (SELECT number FROM let_go ORDER BY number DESC LIMIT ?1)";
    connection.prepare_cached(sql)?.execute(params![MOST_LET_GO])?;
    Ok(())
}

/// Changes go with their list, at once: its number may be given again.
fn sweep(connection: &Connection) -> Outcome<()> {
    let sql = "DELETE FROM held_change WHERE list NOT IN (SELECT number FROM held_list)";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn decide(connection: &Connection, digest: &HeldDigest, decision: Decision, at: Timestamp) -> Outcome<Decided> {
    let Some(before) = decision_on(connection, digest)? else {
        let lately = let_go(connection)?.into_iter().find(|(known, _)| known == digest);
        return Ok(lately.map_or(Decided::Unknown, |(_, decided)| Decided::LetGo(decided)));
    };
    let decision = decision.after(before.map(|(decision, _)| decision));
    let now = before.filter(|(earlier, _)| *earlier == decision).unwrap_or((decision, at));
    let sql = "UPDATE held_list SET decision = ?2, decided = ?3 WHERE digest = ?1";
    connection.prepare_cached(sql)?.execute(params![digest.as_bytes(), code(now.0), now.1.as_nanos()])?;
    Ok(Decided::Held { before, now })
}

/// What was decided about a list; nothing if there is no such list.
fn decision_on(connection: &Connection, digest: &HeldDigest) -> Outcome<Option<Option<(Decision, Timestamp)>>> {
    let mut statement = connection.prepare_cached("SELECT decision, decided FROM held_list WHERE digest = ?1")?;
    let found = statement.query_row(params![digest.as_bytes()], |row| Ok(decision_in(row, 0))).optional()?;
    found.transpose()
}

/// Values of column `decision`.
const REJECTED: i64 = 0;
const APPROVED: i64 = 1;

const fn code(decision: Decision) -> i64 {
    match decision {
        Decision::Rejected => REJECTED,
        Decision::Approved => APPROVED,
    }
}

/// The decision in two columns, the first of them `column`.
fn decision_in(row: &SqlRow<'_>, column: usize) -> Outcome<Option<(Decision, Timestamp)>> {
    let decision = match row.get::<_, Option<i64>>(column)? {
        None => return Ok(None),
        Some(REJECTED) => Decision::Rejected,
        Some(APPROVED) => Decision::Approved,
        Some(_) => return Err(Fault::Impossible("an unknown decision")),
    };
    Ok(Some((decision, Timestamp::from_nanos(row.get(column + 1)?))))
}

#[cfg(test)]
#[path = "holds_tests.rs"]
mod tests;
