//! A [`Row`] as the columns of table `entry`, and back. What one half says already, the other leaves NULL.

use minicbor::{Decode, Encode};
use protocol::{Attribute, ContentId, Entry, LinkTarget, Metadata, Name, Timestamp};
use rusqlite::{Connection, Row as SqlRow, Statement, params};
use seams::recorded::{DirectoryId, Evidence, Fingerprint, Moment, Reading, Row, Trust};

use crate::boots::Boots;
use crate::error::{Fault, Outcome};

/// The columns in the order in which [`decode`] takes them; a macro, so that statements are constants.
macro_rules! columns {
    () => {
        "name, id, inode, kind, mode, mtime, uid, gid, attributes, size, content, target, \
         read_inode, read_size, read_mtime, read_content, read_ctime, fingerprint, boot, first_seen, trust, verified"
    };
}
pub(crate) use columns;

/// Writes a row: the directory, then the columns.
pub(crate) const PUT: &str = concat!(
    "INSERT OR REPLACE INTO entry (directory, ",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
);

const DIRECTORY: i64 = 0;
const FILE: i64 = 1;
const SYMLINK: i64 = 2;

const UNPROVEN: i64 = 0;
const PROVEN: i64 = 1;
const UNTIL_STAMP: i64 = 2;

/// Reads a row.
pub(crate) fn decode(sql: &SqlRow<'_>, connection: &Connection, boots: &mut Boots) -> Outcome<Row> {
    let name = Name::parse(blob(sql, 0)?.unwrap_or_default())
        .map_err(|_| Fault::Impossible("a name that no directory can hold"))?;
    let directory = sql.get::<_, Option<i64>>(1)?.map(DirectoryId);
    let inode = sql.get::<_, Option<i64>>(2)?.map(i64::cast_unsigned);
    let acknowledged = match sql.get::<_, Option<i64>>(3)? {
        Some(kind) => Some(decode_entry(kind, sql)?),
        None => None,
    };
    let reading = match sql.get::<_, Option<[u8; 16]>>(17)? {
        Some(fingerprint) => {
            let evidence = decode_evidence(sql, acknowledged.as_ref(), inode)?;
            Some(decode_reading(sql, acknowledged.as_ref(), evidence, Fingerprint(fingerprint), connection, boots)?)
        }
        None => None,
    };
    Ok(Row { name, directory, acknowledged, inode, reading })
}

fn decode_entry(kind: i64, sql: &SqlRow<'_>) -> Outcome<Entry> {
    let metadata = Metadata {
        mode: sql.get(4)?,
        mtime: Timestamp::from_nanos(sql.get(5)?),
        uid: sql.get(6)?,
        gid: sql.get(7)?,
        attributes: decode_attributes(blob(sql, 8)?)?,
    };
    match kind {
        DIRECTORY => Ok(Entry::Directory { metadata }),
        FILE => {
            let content = ContentId::from_bytes(sql.get(10)?);
            Ok(Entry::File { metadata, size: sql.get::<_, i64>(9)?.cast_unsigned(), content })
        }
        SYMLINK => {
            let target = blob(sql, 11)?.and_then(LinkTarget::parse);
            Ok(Entry::Symlink { metadata, target: target.ok_or(Fault::Impossible("a symlink to nowhere"))? })
        }
        _ => Err(Fault::Impossible("an unknown kind")),
    }
}

fn decode_evidence(sql: &SqlRow<'_>, acknowledged: Option<&Entry>, inode: Option<u64>) -> Outcome<Evidence> {
    let omitted = Fault::Impossible("a reading without all of its evidence");
    let size = sql.get::<_, Option<i64>>(13)?.map(i64::cast_unsigned);
    let size = size.or(acknowledged.and_then(Entry::content).map(|(_, size)| size));
    let mtime = sql.get::<_, Option<i64>>(14)?.map(Timestamp::from_nanos);
    let mtime = mtime.or(acknowledged.map(|entry| entry.metadata().mtime));
    let read_inode = sql.get::<_, Option<i64>>(12)?.map(i64::cast_unsigned).or(inode);
    match (size, mtime, read_inode) {
        (Some(size), Some(mtime), Some(inode)) => {
            Ok(Evidence { size, mtime, ctime: Timestamp::from_nanos(sql.get(16)?), inode })
        }
        _ => Err(omitted),
    }
}

fn decode_reading(
    sql: &SqlRow<'_>,
    acknowledged: Option<&Entry>,
    evidence: Evidence,
    fingerprint: Fingerprint,
    connection: &Connection,
    boots: &mut Boots,
) -> Outcome<Reading> {
    let content = sql.get::<_, Option<[u8; 32]>>(15)?.map(ContentId::from_bytes);
    let content = content.or(acknowledged.and_then(Entry::content).map(|(content, _)| content));
    Ok(Reading {
        evidence,
        fingerprint,
        content: content.ok_or(Fault::Impossible("a reading without content"))?,
        first_seen: Moment {
            boot: boots.id(connection, sql.get(18)?)?,
            since_boot: std::time::Duration::from_nanos(sql.get::<_, i64>(19)?.cast_unsigned()),
        },
        trust: match sql.get(20)? {
            UNPROVEN => Trust::Unproven,
            PROVEN => Trust::Proven,
            UNTIL_STAMP => Trust::UntilStamp,
            _ => return Err(Fault::Impossible("an unknown trust")),
        },
        verified: Timestamp::from_nanos(sql.get(21)?),
    })
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
            attributes: encode_attributes(&metadata.attributes),
            ..Self::default()
        };
        match entry {
            Entry::Directory { .. } => Self { kind: Some(DIRECTORY), ..common },
            Entry::File { size, content, .. } => {
                let content = Some(content.as_bytes().as_slice());
                Self { kind: Some(FILE), size: Some(size.cast_signed()), content, ..common }
            }
            Entry::Symlink { target, .. } => Self { kind: Some(SYMLINK), target: Some(target.as_bytes()), ..common },
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
                Trust::Unproven => UNPROVEN,
                Trust::Proven => PROVEN,
                Trust::UntilStamp => UNTIL_STAMP,
            }),
            verified: Some(reading.verified.as_nanos()),
        }
    }
}

/// Writes a row with the statement [`PUT`].
pub(crate) fn write(
    statement: &mut Statement<'_>,
    directory: DirectoryId,
    row: &Row,
    connection: &Connection,
    boots: &mut Boots,
) -> Outcome<()> {
    let known = row.acknowledged.as_ref().map(AcknowledgedColumns::from).unwrap_or_default();
    let read = match &row.reading {
        Some(reading) => ReadColumns::new(reading, row, boots.number(connection, reading.first_seen.boot)?),
        None => ReadColumns::default(),
    };
    statement.execute(params![
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

fn blob<'r>(sql: &'r SqlRow<'_>, column: usize) -> Outcome<Option<&'r [u8]>> {
    sql.get_ref(column)?.as_blob_or_null().map_err(|_| Fault::Impossible("a number in the place of bytes"))
}

fn encode_attributes(attributes: &Vec<Attribute>) -> Option<Vec<u8>> {
    (!attributes.is_empty()).then(|| to_cbor(attributes))
}

fn decode_attributes(bytes: Option<&[u8]>) -> Outcome<Vec<Attribute>> {
    bytes.map_or(Ok(Vec::new()), from_cbor)
}

/// A value as it lies in a BLOB column.
pub(crate) fn to_cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory cannot fail")
}

/// A value out of a BLOB column.
pub(crate) fn from_cbor<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Outcome<T> {
    minicbor::decode(bytes).map_err(|_| Fault::Impossible("a value that is no CBOR"))
}
