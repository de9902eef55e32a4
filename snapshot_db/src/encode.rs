//! A [`Row`] into the columns of table `entry`. What another column says already is left NULL.

use protocol::Entry;
use rusqlite::{Connection, params};
use seams::recorded::{DirectoryId, Evidence, Reading, Row, Trust};

use crate::boots::Boots;
use crate::columns::{columns, kind, to_cbor, trust};
use crate::error::Outcome;

const PUT: &str = concat!(
    "INSERT OR REPLACE INTO entry (directory, ",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
);

/// Writes a row over the one of its name.
pub(crate) fn put(connection: &Connection, boots: &mut Boots, directory: DirectoryId, row: &Row) -> Outcome<()> {
    let known = row.acknowledged.as_ref().map(AcknowledgedColumns::from).unwrap_or_default();
    let read = match &row.reading {
        Some(reading) => ReadColumns::new(reading, row, boots.number(connection, reading.first_seen.boot)?),
        None => ReadColumns::default(),
    };
    connection.prepare_cached(PUT)?.execute(params![
        directory.0,
        row.name.as_bytes(),
        row.directory.map(|id| id.0),
        row.inode.map(u64::cast_signed),
        known.kind,
        known.mode,
        known.mtime,
        known.uid,
        known.gid,
        known.attributes,
        known.size,
        known.content,
        known.target,
        read.inode,
        read.size,
        read.mtime,
        read.content,
        read.ctime,
        read.fingerprint,
        read.boot,
        read.first_seen,
        read.trust,
        read.verified,
    ])?;
    Ok(())
}

/// The acknowledged half as columns.
#[derive(Default)]
struct AcknowledgedColumns<'r> {
    kind: Option<i64>,
    mode: Option<u16>,
    mtime: Option<i64>,
    uid: Option<u32>,
    gid: Option<u32>,
    attributes: Option<Vec<u8>>,
    size: Option<i64>,
    content: Option<&'r [u8]>,
    target: Option<&'r [u8]>,
}

impl<'r> From<&'r Entry> for AcknowledgedColumns<'r> {
    fn from(entry: &'r Entry) -> Self {
        let metadata = entry.metadata();
        let common = Self {
            mode: Some(metadata.mode),
            mtime: Some(metadata.mtime.as_nanos()),
            uid: Some(metadata.uid),
            gid: Some(metadata.gid),
            attributes: (!metadata.attributes.is_empty()).then(|| to_cbor(&metadata.attributes)),
            ..Self::default()
        };
        match entry {
            Entry::Directory { .. } => Self { kind: Some(kind::DIRECTORY), ..common },
            Entry::File { size, content, .. } => {
                let content = Some(content.as_bytes().as_slice());
                Self { kind: Some(kind::FILE), size: Some(size.cast_signed()), content, ..common }
            }
            Entry::Symlink { target, .. } => {
                Self { kind: Some(kind::SYMLINK), target: Some(target.as_bytes()), ..common }
            }
        }
    }
}

/// The read half as columns.
#[derive(Default)]
struct ReadColumns {
    inode: Option<i64>,
    size: Option<i64>,
    mtime: Option<i64>,
    content: Option<[u8; 32]>,
    ctime: Option<i64>,
    fingerprint: Option<[u8; 16]>,
    boot: Option<i64>,
    first_seen: Option<i64>,
    trust: Option<i64>,
    verified: Option<i64>,
}

impl ReadColumns {
    fn new(reading: &Reading, row: &Row, boot: i64) -> Self {
        let Evidence { size, mtime, ctime, inode } = reading.evidence;
        let known = row.acknowledged.as_ref();
        let (known_content, known_size) = known.and_then(Entry::content).unzip();
        let known_mtime = known.map(|entry| entry.metadata().mtime);
        Self {
            inode: (row.inode != Some(inode)).then_some(inode.cast_signed()),
            size: (known_size != Some(size)).then_some(size.cast_signed()),
            mtime: (known_mtime != Some(mtime)).then_some(mtime.as_nanos()),
            content: (known_content != Some(reading.content)).then_some(*reading.content.as_bytes()),
            ctime: Some(ctime.as_nanos()),
            fingerprint: Some(reading.fingerprint.0),
            boot: Some(boot),
            first_seen: Some(i64::try_from(reading.first_seen.since_boot.as_nanos()).unwrap_or(i64::MAX)),
            trust: Some(match reading.trust {
                Trust::Unproven => trust::UNPROVEN,
                Trust::Proven => trust::PROVEN,
                Trust::UntilStamp => trust::UNTIL_STAMP,
                Trust::Silent => trust::SILENT,
            }),
            verified: Some(reading.verified.as_nanos()),
        }
    }
}
