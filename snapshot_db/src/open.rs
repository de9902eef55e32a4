//! Opening a snapshot: made, migrated, set aside where damaged, or only read.

use std::path::{Path, PathBuf};

use protocol::Lineage;
use rusqlite::Connection;

use crate::connect::{Access, beside, connect, set_up, set_up_writer};
use crate::error::SnapshotError;
use crate::migrate::{Found, known, look, migrate, newest};
use crate::set_aside::set_aside;
use crate::snapshot::Snapshot;

/// A snapshot ready for use.
#[derive(Debug)]
pub struct Opened {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// Where a damaged one was renamed to; then the snapshot is new.
    pub set_aside: Option<PathBuf>,
}

impl Snapshot {
    /// Opens the snapshot at a path; makes one, of this lineage, where there is none. A file that is no database,
    /// another program's, or visibly damaged is set aside and a new one made. Damage that a quick look misses is
    /// reported by whoever meets it ([`SnapshotError::is_damage`]). The directory must exist. The caller holds the
    /// mirror's lock, or works beside its holder.
    ///
    /// # Errors
    /// A snapshot of a newer roundsman, and what the disk or SQLite cannot do.
    pub fn open(path: &Path, new_lineage: Lineage) -> Result<Opened, SnapshotError> {
        match Self::open_sound(path, new_lineage) {
            Err(SnapshotError::Damaged { source, .. }) => {
                tracing::warn!(path = %path.display(), cause = %source, "the snapshot is damaged and set aside");
                let aside = set_aside(path)?;
                let snapshot = Self::open_sound(path, new_lineage)?;
                Ok(Opened { snapshot, set_aside: Some(aside) })
            }
            opened => opened.map(|snapshot| Opened { snapshot, set_aside: None }),
        }
    }

    fn open_sound(path: &Path, new_lineage: Lineage) -> Result<Self, SnapshotError> {
        let mut writer = connect(path, Access::Write).map_err(|error| SnapshotError::of(error, path))?;
        migrate(&mut writer, &known(), path)?;
        set_up_writer(&writer).map_err(|error| SnapshotError::of(error, path))?;
        let snapshot = Self::on_disk(path, writer, Access::Read);
        snapshot.change(|table| table.state().begin_lineage(new_lineage))?;
        snapshot.look_quickly()?;
        Ok(snapshot)
    }

    /// Opens the snapshot at a path for reading; nothing if there is none. Creates no file, not even beside the
    /// database: if no log exists, nobody has it open, and it is read as it lies there. Such a reader must be
    /// short-lived, for a round that begins meanwhile may change what it reads. Everything that changes the snapshot
    /// fails.
    ///
    /// # Errors
    /// A damaged snapshot, one of another schema, and what the disk or SQLite cannot do.
    pub fn open_read_only(path: &Path) -> Result<Option<Self>, SnapshotError> {
        if !exists(path)? {
            return Ok(None);
        }
        let access = match (exists(&beside(path, "-wal"))?, exists(&beside(path, "-shm"))?) {
            (true, true) => Access::Read,
            (true, false) => return Err(SnapshotError::LogAlone { path: path.to_owned() }),
            (false, _) => Access::ReadAlone,
        };
        let reader = connect(path, access).map_err(|error| SnapshotError::of(error, path))?;
        match found_schema(&reader, path)? {
            Found::Blank => Ok(None),
            Found::Schema(_) => Ok(Some(Self::on_disk(path, reader, access))),
        }
    }

    /// Opens the snapshot at a path beside a round that may be running, to change what people decide; nothing if there
    /// is none. Makes no snapshot, migrates none and sets none aside, for the round may have it open.
    ///
    /// # Errors
    /// A damaged snapshot, one of another schema, and what the disk or SQLite cannot do.
    pub fn open_beside(path: &Path) -> Result<Option<Self>, SnapshotError> {
        if !exists(path)? {
            return Ok(None);
        }
        let writer = connect(path, Access::WriteBeside).map_err(|error| SnapshotError::of(error, path))?;
        if found_schema(&writer, path)? == Found::Blank {
            return Ok(None);
        }
        set_up_writer(&writer).map_err(|error| SnapshotError::of(error, path))?;
        Ok(Some(Self::on_disk(path, writer, Access::Read)))
    }

    /// A snapshot that ends with the process.
    ///
    /// # Panics
    /// Never: an empty database in memory takes the schema that this program was built with.
    #[must_use]
    pub fn in_memory(new_lineage: Lineage) -> Self {
        let make = || -> Result<Self, SnapshotError> {
            let path = Path::new(":memory:");
            let mut connection = Connection::open_in_memory().map_err(|error| SnapshotError::of(error, path))?;
            set_up(&connection).map_err(|error| SnapshotError::of(error, path))?;
            migrate(&mut connection, &known(), path)?;
            let snapshot = Self::in_one_connection(connection);
            snapshot.change(|table| table.state().begin_lineage(new_lineage))?;
            Ok(snapshot)
        };
        make().expect("an empty database in memory takes the embedded schema")
    }

    /// Reads what every round needs, and both ends of the rows: cheap, and finds a file that was cut or overwritten.
    fn look_quickly(&self) -> Result<(), SnapshotError> {
        self.read(|table| {
            table.state().standing()?;
            table.look_at_ends()
        })
    }
}

fn exists(path: &Path) -> Result<bool, SnapshotError> {
    path.try_exists().map_err(|source| SnapshotError::File { doing: "look for", path: path.to_owned(), source })
}

/// Where nothing is migrated, a database must have the newest schema.
fn found_schema(reader: &Connection, path: &Path) -> Result<Found, SnapshotError> {
    let known = newest(&known());
    match look(reader).map_err(|fault| fault.at(path))? {
        Found::Schema(found) if found > known => Err(SnapshotError::Newer { path: path.to_owned(), found, known }),
        Found::Schema(found) if found < known => Err(SnapshotError::Older { path: path.to_owned(), found, known }),
        found => Ok(found),
    }
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
