//! [`Snapshot`]: the database as its users see it.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chunking::{ChunkList, Parameters};
use protocol::{
    Change, ContentId, Entry, Head, Lineage, Metadata, Name, RelPath, RevisionDigest, StoreId, Timestamp, Tree,
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use seams::recorded::{Acknowledged, DirectoryId, Reading, Recorded, Recorder, Row};

use crate::acknowledge::acknowledge;
use crate::connect::{Access, durably};
use crate::error::{Fault, Outcome, SnapshotError};
use crate::readers::Readers;
use crate::replace::Replacement;
use crate::state::{Counts, Standing};
use crate::table::Table;
use crate::{chunk_lists, namesakes, readings, tree};

/// What the receiver acknowledged of one mirror, and what was last read of its source.
///
/// Used from several threads: one changes at a time, any number read meanwhile and see whole changes only.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    /// Nothing for a database in memory, which has one connection only. Before the writer, so that the writer is
    /// dropped last: only a connection that may write takes the log into the database and removes it.
    readers: Option<Readers>,
    writer: Mutex<Connection>,
}

/// Getting at the database.
impl Snapshot {
    pub(crate) fn on_disk(path: &Path, writer: Connection, access: Access) -> Self {
        let readers = Some(Readers::new(path.to_owned(), access));
        Self { path: path.to_owned(), writer: Mutex::new(writer), readers }
    }

    pub(crate) fn in_one_connection(connection: Connection) -> Self {
        Self { path: PathBuf::from(":memory:"), writer: Mutex::new(connection), readers: None }
    }

    /// Sound also after a panic of a holder: unwinding rolled its transaction back.
    pub(crate) fn writer(&self) -> MutexGuard<'_, Connection> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does work as one transaction: all of it, or nothing.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&Table<'_>) -> Outcome<T>) -> Result<T, SnapshotError> {
        in_transaction(&self.writer(), work).map_err(|fault| self.named(fault))
    }

    /// The same, and durable when it returns, with everything before.
    fn change_durably(&self, work: impl FnOnce(&Table<'_>) -> Outcome<()>) -> Result<(), SnapshotError> {
        let writer = self.writer();
        let done = durably(&writer, || in_transaction(&writer, work));
        done.map_err(Fault::from).flatten().map_err(|fault| self.named(fault))
    }

    /// Reads what is committed.
    pub(crate) fn read<T>(&self, work: impl FnOnce(&Table<'_>) -> Outcome<T>) -> Result<T, SnapshotError> {
        let result = match &self.readers {
            Some(readers) => readers.read(work),
            None => work(&Table::new(&self.writer(), &RefCell::default())),
        };
        result.map_err(|fault| self.named(fault))
    }

    fn named(&self, fault: Fault) -> SnapshotError {
        fault.at(&self.path)
    }
}

fn in_transaction<T>(writer: &Connection, work: impl FnOnce(&Table<'_>) -> Outcome<T>) -> Outcome<T> {
    let transaction = Transaction::new_unchecked(writer, TransactionBehavior::Immediate)?;
    let result = work(&Table::new(&transaction, &RefCell::default()))?;
    transaction.commit()?;
    Ok(result)
}

/// Where the client stands, and what it knows of its source. All fail only as the database does.
impl Snapshot {
    /// Where the client stands with its receiver.
    ///
    /// # Errors
    /// Where the database cannot be read or is damaged; so for all that read.
    pub fn standing(&self) -> Result<Standing, SnapshotError> {
        self.read(|table| table.in_one_view(|table| table.state().standing()))
    }

    /// A new lineage, before a takeover announces it. Durable when this returns: a client that forgot its new
    /// lineage would come back with the one it superseded itself.
    ///
    /// # Errors
    /// Where the database cannot be written; so for all that change something. Then nothing is changed.
    pub fn set_lineage(&self, lineage: Lineage) -> Result<(), SnapshotError> {
        self.change_durably(|table| table.state().set_lineage(lineage))
    }

    /// The receiver that answers.
    ///
    /// # Errors
    /// As [`Self::set_lineage`].
    pub fn set_store(&self, store: StoreId) -> Result<(), SnapshotError> {
        self.change(|table| table.state().set_store(store))
    }

    /// Writes down the digest that a commit would make, before it is sent.
    ///
    /// Durable when this returns, and with it everything before. What comes after need not be: if a power cut takes
    /// an acknowledgement back, the receiver's head is the digest written down here, and the client catches up.
    ///
    /// # Errors
    /// As [`Self::set_lineage`].
    pub fn note_in_flight(&self, digest: RevisionDigest) -> Result<(), SnapshotError> {
        self.change_durably(|table| table.state().set_in_flight(digest))
    }

    /// The root's identity as it was recorded: opaque bytes of the caller.
    ///
    /// # Errors
    /// As [`Self::standing`].
    pub fn root_record(&self) -> Result<Option<Vec<u8>>, SnapshotError> {
        self.read(|table| table.state().root_record())
    }

    /// Records the root's identity.
    ///
    /// # Errors
    /// As [`Self::set_lineage`].
    pub fn set_root_record(&self, record: &[u8]) -> Result<(), SnapshotError> {
        self.change(|table| table.state().set_root_record(record))
    }
}

/// The acknowledged half.
impl Snapshot {
    /// A batch was acknowledged: its changes enter the rows exactly as [`Tree::apply`] means them, the head moves
    /// on, and nothing is in flight any more. The cost is that of the changes, not of what lies below them.
    ///
    /// # Errors
    /// [`SnapshotError::Disagrees`] where the changes do not fit: reconcile. Otherwise as [`Self::set_lineage`].
    pub fn acknowledge(&self, head: Head, changes: &[Change]) -> Result<(), SnapshotError> {
        self.change(|table| acknowledge(table, head, changes))
    }

    /// The acknowledged halves become exactly this manifest of a revision: the root's metadata, and all entries but
    /// the root sorted by path. What was read stays. Other changes wait until the manifest has ended, so what yields
    /// the entries must not use this snapshot.
    ///
    /// # Errors
    /// The manifest's own; [`SnapshotError::Disagrees`] where it is no tree or not sorted; otherwise as
    /// [`Self::set_lineage`].
    pub fn replace_acknowledged<E: From<SnapshotError>>(
        &self,
        head: Head,
        root: &Metadata,
        entries: impl Iterator<Item = Result<(RelPath, Entry), E>>,
    ) -> Result<(), E> {
        let named = |fault| E::from(self.named(fault));
        let writer = self.writer();
        let begin = Transaction::new_unchecked(&writer, TransactionBehavior::Immediate);
        let transaction = begin.map_err(|error| named(error.into()))?;
        let boots = RefCell::default();
        let table = Table::new(&transaction, &boots);
        let mut replacement = Replacement::begin(&table).map_err(named)?;
        for item in entries {
            let (path, entry) = item?;
            replacement.place(&path, entry).map_err(named)?;
        }
        replacement.finish(head, root).map_err(named)?;
        transaction.commit().map_err(|error| named(error.into()))
    }

    /// The root's acknowledged metadata; nothing before the first.
    ///
    /// # Errors
    /// As [`Self::standing`].
    pub fn root_metadata(&self) -> Result<Option<Metadata>, SnapshotError> {
        self.read(|table| table.state().root_metadata())
    }

    /// How much is acknowledged; kept, not counted.
    ///
    /// # Errors
    /// As [`Self::standing`].
    pub fn counts(&self) -> Result<Counts, SnapshotError> {
        self.read(|table| table.state().counts())
    }

    /// All that is acknowledged, in memory: for checks, not for rounds.
    ///
    /// # Errors
    /// As [`Self::standing`].
    pub fn acknowledged_tree(&self) -> Result<Tree, SnapshotError> {
        self.read(|table| table.in_one_view(tree::acknowledged))
    }
}

/// The read half.
impl Snapshot {
    /// Records readings of files by their present path, whether anything is acknowledged there or not. Sorted by
    /// path, each directory is looked up once.
    ///
    /// # Errors
    /// As [`Self::set_lineage`].
    pub fn record_readings(&self, readings: &[(RelPath, Reading)]) -> Result<(), SnapshotError> {
        self.change(|table| readings::record(table, readings))
    }

    /// Records inodes of directories, as hints for move matching. The root's is part of its record.
    ///
    /// # Errors
    /// As [`Self::set_lineage`].
    pub fn record_inodes(&self, inodes: &[(RelPath, u64)]) -> Result<(), SnapshotError> {
        self.change(|table| readings::record_inodes(table, inodes))
    }

    /// Trusts what was read at these paths no longer: the next round reads them again.
    ///
    /// # Errors
    /// Where the database cannot be written; then nothing changes.
    pub fn distrust_readings(&self, paths: &[RelPath]) -> Result<(), SnapshotError> {
        self.change(|table| readings::distrust(table, paths))
    }

    /// Forgets what was read at and below paths that are gone from the source. Where something is acknowledged,
    /// nothing happens: the acknowledged delete will take the reading along.
    ///
    /// # Errors
    /// As [`Self::set_lineage`].
    pub fn forget_readings(&self, paths: &[RelPath]) -> Result<(), SnapshotError> {
        self.change(|table| readings::forget(table, paths))
    }
}

impl Recorded for Snapshot {
    fn rows(&self, directory: DirectoryId) -> io::Result<Vec<Row>> {
        self.read(|table| table.rows(directory)).map_err(io::Error::other)
    }

    fn rows_after(&self, directory: DirectoryId, name: Option<&Name>, most: usize) -> io::Result<Vec<Row>> {
        self.read(|table| table.rows_after(directory, name, most)).map_err(io::Error::other)
    }

    fn row(&self, directory: DirectoryId, name: &Name) -> io::Result<Option<Row>> {
        self.read(|table| table.get(directory, name)).map_err(io::Error::other)
    }

    fn directories_with_inode(&self, inode: u64) -> io::Result<Vec<Acknowledged>> {
        self.read(|table| table.in_one_view(|table| namesakes::with_inode(table, inode))).map_err(io::Error::other)
    }

    fn chunk_parameters(&self, content: &ContentId) -> io::Result<Option<Parameters>> {
        self.read(|table| chunk_lists::parameters(table, content)).map_err(io::Error::other)
    }
}

impl Recorder for Snapshot {
    fn record_readings(&self, readings: &[(RelPath, Reading)]) -> io::Result<()> {
        self.change(|table| readings::record(table, readings)).map_err(io::Error::other)
    }

    fn record_chunk_lists(&self, lists: &[(ContentId, ChunkList)], now: Timestamp) -> io::Result<()> {
        self.change(|table| chunk_lists::record(table, lists, now)).map_err(io::Error::other)
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
