//! [`Boots`]: boot ids by small numbers, so that a row spends one byte on its boot and not sixteen.

use rusqlite::{Connection, OptionalExtension, params};
use seams::clock::BootId;

use crate::error::{Fault, Outcome};

/// The boots met so far. Numbers are only ever added; whoever writes begins with none, for what a transaction
/// added is forgotten with it.
#[derive(Debug, Default)]
pub(crate) struct Boots {
    known: Vec<(i64, BootId)>,
}

impl Boots {
    /// The boot of a number that a row holds.
    pub(crate) fn id(&mut self, connection: &Connection, number: i64) -> Outcome<BootId> {
        if let Some((_, id)) = self.known.iter().find(|(known, _)| *known == number) {
            return Ok(*id);
        }
        let mut statement = connection.prepare_cached("SELECT id FROM boot WHERE number = ?1")?;
        let id: Option<[u8; 16]> = statement.query_row(params![number], |row| row.get(0)).optional()?;
        let id = BootId(id.ok_or(Fault::Impossible("a boot without id"))?);
        self.known.push((number, id));
        Ok(id)
    }

    /// The number of a boot, given now if it has none.
    pub(crate) fn number(&mut self, connection: &Connection, id: BootId) -> Outcome<i64> {
        if let Some((number, _)) = self.known.iter().find(|(_, known)| *known == id) {
            return Ok(*number);
        }
        connection.prepare_cached("INSERT OR IGNORE INTO boot (id) VALUES (?1)")?.execute(params![id.0])?;
        let mut statement = connection.prepare_cached("SELECT number FROM boot WHERE id = ?1")?;
        let number = statement.query_row(params![id.0], |row| row.get(0))?;
        self.known.push((number, id));
        Ok(number)
    }
}
