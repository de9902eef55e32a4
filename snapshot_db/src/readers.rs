//! [`Readers`]: connections that only read, one for each thread that reads at the moment.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use rusqlite::Connection;

use crate::boots::Boots;
use crate::connect::{Access, connect};
use crate::error::Outcome;
use crate::table::Table;

/// Connections kept open while nobody uses them: about as many as threads compare directories.
const IDLE_READERS: usize = 16;

/// A pool of readers. Each sees what was committed when it begins.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    access: Access,
    idle: Mutex<Vec<Reader>>,
}

/// A connection and the boots it met. Boots are only ever added, and a reader sees no uncommitted one.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
    boots: RefCell<Boots>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, access: Access) -> Self {
        Self { path, access, idle: Mutex::new(Vec::new()) }
    }

    /// Reads with a connection that no other thread uses meanwhile.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Table<'_>) -> Outcome<T>) -> Outcome<T> {
        let reader = self.take()?;
        let result = work(&Table::new(&reader.connection, &reader.boots));
        let mut idle = self.idle();
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        result
    }

    fn take(&self) -> Outcome<Reader> {
        if let Some(reader) = self.idle().pop() {
            return Ok(reader);
        }
        Ok(Reader { connection: connect(&self.path, self.access)?, boots: RefCell::default() })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().expect("no holder of this lock panics")
    }
}
