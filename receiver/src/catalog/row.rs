//! [`Row`]: one entry over a range of revisions.

use minicbor::Encode;
use protocol::{Attribute, ContentId, Entry, Kind, LinkTarget, Metadata, Name, Timestamp};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::catalog::CatalogError;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) i64);

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    };
}

number! {
    /// What stays the same thing while it is moved and changed. Never used for another thing.
    Node
}

number! {
    /// A mirror's number in its client's catalog.
    MirrorId
}

number! {
    /// Something that was replaced or deleted, kept under this number.
    VersionId
}

impl Node {
    /// The client's own folder, whose entries are the roots of its mirrors.
    pub(crate) const CLIENT: Self = Self(0);
}

/// What the disk said of a thing when it was put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Its inode.
    pub(crate) inode: u64,
    /// Its length in bytes.
    pub(crate) size: u64,
    /// Its mtime, as the disk keeps it.
    pub(crate) mtime: Timestamp,
}

impl From<&seams::fs::Stat> for Disk {
    fn from(stat: &seams::fs::Stat) -> Self {
        Self { inode: stat.inode, size: stat.size, mtime: stat.mtime }
    }
}

/// One entry from one revision to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// The directory it is in.
    pub(crate) parent: Node,
    /// Its name there.
    pub(crate) name: Name,
    /// The first revision it is in.
    pub(crate) from: u64,
    /// The first revision it is not in any more.
    pub(crate) to: Option<u64>,
    /// Which mirror it belongs to.
    pub(crate) mirror: MirrorId,
    /// What it is.
    pub(crate) node: Node,
    /// Its state.
    pub(crate) entry: Entry,
    /// What the disk said of it.
    pub(crate) disk: Disk,
    /// Where it is kept, if it was closed because it was replaced or deleted.
    pub(crate) version: Option<VersionId>,
}

/// The columns of an entry, in the order that [`Row::read`] reads.
pub(crate) const COLUMNS: &str = "parent_node, name, from_rev, to_rev, mirror, node, kind, mode, mtime, uid, gid, \
     attributes, size, content, target, inode, disk_size, disk_mtime, version";

impl Row {
    /// Whether its own range holds a revision; its ancestors are another question.
    pub(crate) fn spans(&self, revision: u64) -> bool {
        self.from <= revision && self.to.is_none_or(|to| revision < to)
    }

    /// Reads [`COLUMNS`].
    pub(crate) fn read(row: &rusqlite::Row<'_>) -> Result<Self, CatalogError> {
        Ok(Self {
            parent: row.get(0)?,
            name: name(row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?)?,
            from: unsigned(row.get(2)?),
            to: row.get::<_, Option<i64>>(3)?.map(unsigned),
            mirror: row.get(4)?,
            node: row.get(5)?,
            entry: read_entry(row)?,
            disk: Disk {
                inode: row.get::<_, i64>(15)?.cast_unsigned(),
                size: unsigned(row.get(16)?),
                mtime: Timestamp::from_nanos(row.get(17)?),
            },
            version: row.get(18)?,
        })
    }
}

fn read_entry(row: &rusqlite::Row<'_>) -> Result<Entry, CatalogError> {
    let metadata = read_metadata(row)?;
    match row.get(6)? {
        0 => Ok(Entry::Directory { metadata }),
        1 => {
            let content = id(row.get_ref(13)?.as_blob().map_err(rusqlite::Error::from)?, ContentId::from_slice)?;
            Ok(Entry::File { metadata, size: unsigned(row.get(12)?), content })
        }
        2 => {
            let target: Vec<u8> = row.get(14)?;
            let target = LinkTarget::parse(&target).ok_or_else(|| damaged("a link target that no link can hold"))?;
            Ok(Entry::Symlink { metadata, target })
        }
        kind => Err(damaged(format!("an entry of the unknown kind {kind}"))),
    }
}

fn read_metadata(row: &rusqlite::Row<'_>) -> Result<Metadata, CatalogError> {
    let attributes: Option<Vec<u8>> = row.get(11)?;
    let attributes: Vec<Attribute> = match attributes {
        None => Vec::new(),
        Some(bytes) => minicbor::decode(&bytes).map_err(|error| damaged(format!("attributes: {error}")))?,
    };
    Ok(Metadata {
        mode: row.get(7)?,
        mtime: Timestamp::from_nanos(row.get(8)?),
        uid: row.get(9)?,
        gid: row.get(10)?,
        attributes,
    })
}

/// A directory's, file's or symlink's number in the column `kind`.
pub(crate) fn kind_number(kind: Kind) -> i64 {
    match kind {
        Kind::Directory => 0,
        Kind::File => 1,
        Kind::Symlink => 2,
    }
}

/// Attributes as their column holds them: nothing where there are none.
pub(crate) fn attributes_blob(metadata: &Metadata) -> Option<Vec<u8>> {
    (!metadata.attributes.is_empty()).then(|| to_cbor(&metadata.attributes))
}

/// A value as a blob column holds it.
pub(crate) fn to_cbor<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("encoding to memory cannot fail")
}

/// A number as SQLite holds it. Numbers past its range, which only a peer can make up, become one that nothing has.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that [`signed`] wrote.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A name that was checked when it was written.
pub(crate) fn name(bytes: &[u8]) -> Result<Name, CatalogError> {
    Name::parse(bytes).map_err(|error| damaged(format!("a name: {error}")))
}

/// An id of fixed length.
pub(crate) fn id<T>(bytes: &[u8], parse: impl Fn(&[u8]) -> Option<T>) -> Result<T, CatalogError> {
    parse(bytes).ok_or_else(|| damaged("an id of another length"))
}

/// The catalog holds what this program never writes.
pub(crate) fn damaged(what: impl Into<String>) -> CatalogError {
    CatalogError::Damaged(what.into())
}
