//! [`Table`]: table `entry` as rows of the seams, within one connection's present transaction.

use std::cell::RefCell;

use protocol::Name;
use rusqlite::{Connection, params};
use seams::recorded::{DirectoryId, Row};

use crate::boots::Boots;
use crate::columns::columns;
use crate::decode::decode;
use crate::encode;
use crate::error::Outcome;
use crate::state::{Counts, State};

const GET: &str = concat!("SELECT ", columns!(), " FROM entry WHERE directory = ?1 AND name = ?2");
const ROWS_AFTER: &str =
    concat!("SELECT ", columns!(), " FROM entry WHERE directory = ?1 AND name > ?2 ORDER BY name LIMIT ?3");
const ROWS: &str = concat!("SELECT ", columns!(), " FROM entry WHERE directory = ?1 ORDER BY name");

/// The rows of all directories. Every statement is prepared once a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'c> {
    connection: &'c Connection,
    boots: &'c RefCell<Boots>,
}

impl<'c> Table<'c> {
    pub(crate) fn new(connection: &'c Connection, boots: &'c RefCell<Boots>) -> Self {
        Self { connection, boots }
    }

    /// The connection, for the tables that have a file of their own.
    pub(crate) fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// What is kept beside the rows.
    pub(crate) fn state(&self) -> State<'c> {
        State::new(self.connection)
    }

    /// The row of one name.
    pub(crate) fn get(&self, directory: DirectoryId, name: &Name) -> Outcome<Option<Row>> {
        let mut statement = self.connection.prepare_cached(GET)?;
        let mut found = statement.query(params![directory.0, name.as_bytes()])?;
        match found.next()? {
            Some(row) => decode(row, self.connection, &mut self.boots.borrow_mut()).map(Some),
            None => Ok(None),
        }
    }

    /// The row of one name, or one that says nothing yet.
    pub(crate) fn get_or_empty(&self, directory: DirectoryId, name: &Name) -> Outcome<Row> {
        Ok(self.get(directory, name)?.unwrap_or_else(|| Self::empty_row(name)))
    }

    /// A row that says nothing.
    pub(crate) fn empty_row(name: &Name) -> Row {
        Row { name: name.clone(), directory: None, acknowledged: None, inode: None, reading: None }
    }

    /// The rows of one directory, sorted by name.
    pub(crate) fn rows(&self, directory: DirectoryId) -> Outcome<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(ROWS)?;
        self.decode_all(statement.query(params![directory.0])?)
    }

    /// The rows of one directory after a name, or its first, sorted by name; so many at most.
    pub(crate) fn rows_after(&self, directory: DirectoryId, name: Option<&Name>, most: usize) -> Outcome<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(ROWS_AFTER)?;
        let (name, most) = (name.map_or(&[][..], Name::as_bytes), i64::try_from(most).unwrap_or(i64::MAX));
        self.decode_all(statement.query(params![directory.0, name, most])?)
    }

    fn decode_all(&self, mut found: rusqlite::Rows<'_>) -> Outcome<Vec<Row>> {
        let mut boots = self.boots.borrow_mut();
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            rows.push(decode(row, self.connection, &mut boots)?);
        }
        Ok(rows)
    }

    /// Writes a row over the one of its name. A row that says nothing any more goes.
    pub(crate) fn put(&self, directory: DirectoryId, row: &Row) -> Outcome<()> {
        if row.acknowledged.is_none() && row.reading.is_none() && row.directory.is_none() {
            return self.remove(directory, &row.name);
        }
        encode::put(self.connection, &mut self.boots.borrow_mut(), directory, row)
    }

    /// Removes one row, but nothing below it.
    pub(crate) fn remove(&self, directory: DirectoryId, name: &Name) -> Outcome<()> {
        let mut statement = self.connection.prepare_cached("DELETE FROM entry WHERE directory = ?1 AND name = ?2")?;
        statement.execute(params![directory.0, name.as_bytes()])?;
        Ok(())
    }

    /// Removes everything below a directory, one statement a directory; takes what was acknowledged off `counts`.
    pub(crate) fn remove_below(&self, top: DirectoryId, counts: &mut Counts) -> Outcome<()> {
        let mut waiting = vec![top];
        while let Some(directory) = waiting.pop() {
            waiting.extend(self.directories_in(directory)?);
            *counts -= self.counts_in(directory)?;
            let mut statement = self.connection.prepare_cached("DELETE FROM entry WHERE directory = ?1")?;
            statement.execute(params![directory.0])?;
        }
        Ok(())
    }

    /// What is acknowledged directly in a directory.
    fn counts_in(&self, directory: DirectoryId) -> Outcome<Counts> {
        let mut statement =
            self.connection.prepare_cached("SELECT kind, size FROM entry WHERE directory = ?1 AND kind IS NOT NULL")?;
        let mut found = statement.query(params![directory.0])?;
        let mut counts = Counts::default();
        while let Some(row) = found.next()? {
            let size: Option<i64> = row.get(1)?;
            counts.add_one(size.map(i64::cast_unsigned));
        }
        Ok(counts)
    }

    /// The numbers of the directories in a directory, sorted by name; also of what only was one.
    pub(crate) fn directories_in(&self, directory: DirectoryId) -> Outcome<Vec<DirectoryId>> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM entry WHERE directory = ?1 AND id IS NOT NULL ORDER BY name")?;
        let ids = statement.query_map(params![directory.0], |row| row.get(0).map(DirectoryId))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Whether a directory has any row.
    pub(crate) fn has_rows(&self, directory: DirectoryId) -> Outcome<bool> {
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM entry WHERE directory = ?1 LIMIT 1")?;
        Ok(statement.exists(params![directory.0])?)
    }

    /// The number of a row that is to be a directory; the row keeps it for good.
    pub(crate) fn number(&self, row: &mut Row) -> Outcome<DirectoryId> {
        let id = match row.directory {
            Some(id) => id,
            None => self.state().next_directory()?,
        };
        row.directory = Some(id);
        Ok(id)
    }

    /// Reads the first and the last row, down through both edges of the tree of pages.
    pub(crate) fn look_at_ends(&self) -> Outcome<()> {
        for sql in ["ORDER BY directory, name", "ORDER BY directory DESC, name DESC"] {
            let mut statement = self.connection.prepare(&format!("SELECT kind FROM entry {sql} LIMIT 1"))?;
            statement.exists([])?;
        }
        Ok(())
    }

    /// Reads with several statements as of one moment. No transaction may be open.
    pub(crate) fn in_one_view<T>(&self, work: impl FnOnce(&Self) -> Outcome<T>) -> Outcome<T> {
        let _view = self.connection.unchecked_transaction()?;
        work(self)
    }
}
