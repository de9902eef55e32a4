//! The columns of table `entry` into a [`Row`]. Whatever cannot be is damage, never a panic.

use std::time::Duration;

use protocol::{ContentId, Entry, LinkTarget, Metadata, Timestamp};
use rusqlite::types::FromSql;
use rusqlite::{Connection, Row as SqlRow};
use seams::recorded::{DirectoryId, Evidence, Fingerprint, Moment, Reading, Row, Trust};

use crate::boots::Boots;
use crate::columns::{from_cbor, kind, name, trust};
use crate::error::{Fault, Outcome};

/// Reads a row of the columns.
pub(crate) fn decode(sql: &SqlRow<'_>, connection: &Connection, boots: &mut Boots) -> Outcome<Row> {
    let columns = Columns(sql);
    let acknowledged = columns.acknowledged()?;
    let inode = columns.unsigned(2)?;
    let reading = match columns.get::<Option<[u8; 16]>>(17)? {
        Some(fingerprint) => {
            let boot = boots.id(connection, columns.get(18)?)?;
            let first_seen = Moment { boot, since_boot: Duration::from_nanos(columns.get::<i64>(19)?.cast_unsigned()) };
            Some(columns.reading(Fingerprint(fingerprint), first_seen, acknowledged.as_ref(), inode)?)
        }
        None => None,
    };
    Ok(Row {
        name: name(columns.blob(0)?.unwrap_or_default())?,
        directory: columns.get::<Option<i64>>(1)?.map(DirectoryId),
        acknowledged,
        inode,
        reading,
    })
}

/// The columns of one row, by their place.
struct Columns<'r, 'c>(&'r SqlRow<'c>);

impl Columns<'_, '_> {
    fn get<T: FromSql>(&self, column: usize) -> Outcome<T> {
        Ok(self.0.get(column)?)
    }

    fn blob(&self, column: usize) -> Outcome<Option<&[u8]>> {
        let value = self.0.get_ref(column)?;
        value.as_blob_or_null().map_err(|_| Fault::Impossible("a number in the place of bytes"))
    }

    /// All 64 bits of sizes and inodes, which SQLite keeps as signed numbers.
    fn unsigned(&self, column: usize) -> Outcome<Option<u64>> {
        Ok(self.get::<Option<i64>>(column)?.map(i64::cast_unsigned))
    }

    fn time(&self, column: usize) -> Outcome<Option<Timestamp>> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_nanos))
    }

    fn acknowledged(&self) -> Outcome<Option<Entry>> {
        let Some(kind) = self.get::<Option<i64>>(3)? else { return Ok(None) };
        let metadata = self.metadata()?;
        let entry = match kind {
            kind::DIRECTORY => Entry::Directory { metadata },
            kind::FILE => {
                let size = self.unsigned(9)?.ok_or(Fault::Impossible("a file without size"))?;
                Entry::File { metadata, size, content: ContentId::from_bytes(self.get(10)?) }
            }
            kind::SYMLINK => {
                let target = self.blob(11)?.and_then(LinkTarget::parse);
                Entry::Symlink { metadata, target: target.ok_or(Fault::Impossible("a symlink to nowhere"))? }
            }
            _ => return Err(Fault::Impossible("an unknown kind")),
        };
        Ok(Some(entry))
    }

    fn metadata(&self) -> Outcome<Metadata> {
        Ok(Metadata {
            mode: self.get(4)?,
            mtime: Timestamp::from_nanos(self.get(5)?),
            uid: self.get(6)?,
            gid: self.get(7)?,
            attributes: self.blob(8)?.map_or(Ok(Vec::new()), from_cbor)?,
        })
    }

    fn reading(
        &self,
        fingerprint: Fingerprint,
        first_seen: Moment,
        acknowledged: Option<&Entry>,
        inode: Option<u64>,
    ) -> Outcome<Reading> {
        let known = acknowledged.and_then(Entry::content);
        let content = self.get::<Option<[u8; 32]>>(15)?.map(ContentId::from_bytes);
        let content = content.or(known.map(|(content, _)| content));
        Ok(Reading {
            evidence: self.evidence(acknowledged, inode)?,
            fingerprint,
            content: content.ok_or(Fault::Impossible("a reading without content"))?,
            first_seen,
            trust: match self.get(20)? {
                trust::UNPROVEN => Trust::Unproven,
                trust::PROVEN => Trust::Proven,
                trust::UNTIL_STAMP => Trust::UntilStamp,
                trust::SILENT => Trust::Silent,
                _ => return Err(Fault::Impossible("an unknown trust")),
            },
            verified: Timestamp::from_nanos(self.get(21)?),
        })
    }

    fn evidence(&self, acknowledged: Option<&Entry>, inode: Option<u64>) -> Outcome<Evidence> {
        let size = self.unsigned(13)?.or(acknowledged.and_then(Entry::content).map(|(_, size)| size));
        let mtime = self.time(14)?.or(acknowledged.map(|entry| entry.metadata().mtime));
        match (size, mtime, self.unsigned(12)?.or(inode)) {
            (Some(size), Some(mtime), Some(inode)) => {
                Ok(Evidence { size, mtime, ctime: Timestamp::from_nanos(self.get(16)?), inode })
            }
            _ => Err(Fault::Impossible("a reading without all of its evidence")),
        }
    }
}
