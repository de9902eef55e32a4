//! [`State`]: what the snapshot keeps beside the rows, one value a key.

use std::ops::{AddAssign, SubAssign};

use minicbor::{Decode, Encode};
use protocol::{Entry, Head, Lineage, Metadata, RevisionDigest, StoreId, Timestamp};
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, ToSql, params};
use seams::recorded::DirectoryId;

use crate::columns::{from_cbor, to_cbor};
use crate::error::{Fault, Outcome};

/// Where the client stands with its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The id of this state directory.
    pub lineage: Lineage,
    /// The newest revision that is in the snapshot as acknowledged.
    pub head: Head,
    /// The receiver that acknowledged it; nothing before the first contact.
    pub store: Option<StoreId>,
    /// The digest of a commit that was sent, or was about to be, and whose answer is not known.
    pub in_flight: Option<RevisionDigest>,
}

/// How much the receiver acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Counts {
    /// Files, directories and symlinks, the root left out.
    #[n(0)]
    pub entries: u64,
    /// Files.
    #[n(1)]
    pub files: u64,
    /// Bytes of all files.
    #[n(2)]
    pub bytes: u64,
}

impl Counts {
    /// One entry more; its size if it is a file.
    pub(crate) fn add_one(&mut self, size: Option<u64>) {
        *self += Self { entries: 1, files: u64::from(size.is_some()), bytes: size.unwrap_or(0) };
    }

    /// What one entry counts.
    pub(crate) fn of(entry: &Entry) -> Self {
        let mut counts = Self::default();
        counts.add_one(entry.content().map(|(_, size)| size));
        counts
    }
}

/// Sums wrap: sizes that a peer made up may pass 2^64 together, and taking them off again must give the same.
impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.entries = self.entries.wrapping_add(other.entries);
        self.files = self.files.wrapping_add(other.files);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}

impl SubAssign for Counts {
    fn sub_assign(&mut self, other: Self) {
        self.entries = self.entries.wrapping_sub(other.entries);
        self.files = self.files.wrapping_sub(other.files);
        self.bytes = self.bytes.wrapping_sub(other.bytes);
    }
}

const LINEAGE: &str = "lineage";
const HEAD: &str = "head";
const STORE: &str = "store";
const IN_FLIGHT: &str = "in_flight";
const ROOT_RECORD: &str = "root_record";
const ROOT_METADATA: &str = "root_metadata";
const COUNTS: &str = "counts";
const ACKNOWLEDGEMENT: &str = "acknowledgement";
const SCRUB_BALANCE: &str = "scrub_balance";
const CHUNK_LIST_BYTES: &str = "chunk_list_bytes";
const WAY: &str = "way";

/// Table `state`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State<'c>(&'c Connection);

impl<'c> State<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self(connection)
    }

    fn get<T: FromSql>(&self, key: &str) -> Outcome<Option<T>> {
        let mut statement = self.0.prepare_cached("SELECT value FROM state WHERE key = ?1")?;
        Ok(statement.query_row(params![key], |row| row.get(0)).optional()?)
    }

    fn get_cbor<T: for<'b> Decode<'b, ()>>(&self, key: &str) -> Outcome<Option<T>> {
        self.get::<Vec<u8>>(key)?.map(|bytes| from_cbor(&bytes)).transpose()
    }

    fn set(&self, key: &str, value: impl ToSql) -> Outcome<()> {
        self.0
            .prepare_cached("INSERT OR REPLACE INTO state (key, value) VALUES (?1, ?2)")?
            .execute(params![key, value])?;
        Ok(())
    }

    pub(crate) fn standing(&self) -> Outcome<Standing> {
        let lineage: Option<[u8; 16]> = self.get(LINEAGE)?;
        Ok(Standing {
            lineage: Lineage::from_bytes(lineage.ok_or(Fault::Impossible("no lineage"))?),
            head: self.get_cbor(HEAD)?.unwrap_or(Head::genesis()),
            store: self.get(STORE)?.map(StoreId::from_bytes),
            in_flight: self.get(IN_FLIGHT)?.map(RevisionDigest::from_bytes),
        })
    }

    pub(crate) fn set_lineage(&self, lineage: Lineage) -> Outcome<()> {
        self.set(LINEAGE, lineage.as_bytes())
    }

    /// The lineage of a database that was just made; one that has a lineage keeps it.
    pub(crate) fn begin_lineage(&self, lineage: Lineage) -> Outcome<()> {
        let mut statement = self.0.prepare_cached("INSERT OR IGNORE INTO state (key, value) VALUES (?1, ?2)")?;
        statement.execute(params![LINEAGE, lineage.as_bytes()])?;
        Ok(())
    }

    pub(crate) fn set_store(&self, store: StoreId) -> Outcome<()> {
        self.set(STORE, store.as_bytes())
    }

    pub(crate) fn set_in_flight(&self, digest: RevisionDigest) -> Outcome<()> {
        self.set(IN_FLIGHT, digest.as_bytes())
    }

    /// A new head: nothing is in flight any more.
    pub(crate) fn arrive_at(&self, head: Head, counts: Counts) -> Outcome<()> {
        self.set(HEAD, to_cbor(&head))?;
        self.set(COUNTS, to_cbor(&counts))?;
        self.0.prepare_cached("DELETE FROM state WHERE key = ?1")?.execute(params![IN_FLIGHT])?;
        Ok(())
    }

    pub(crate) fn counts(&self) -> Outcome<Counts> {
        Ok(self.get_cbor(COUNTS)?.unwrap_or_default())
    }

    pub(crate) fn root_record(&self) -> Outcome<Option<Vec<u8>>> {
        self.get(ROOT_RECORD)
    }

    pub(crate) fn set_root_record(&self, record: &[u8]) -> Outcome<()> {
        self.set(ROOT_RECORD, record)
    }

    pub(crate) fn root_metadata(&self) -> Outcome<Option<Metadata>> {
        self.get_cbor(ROOT_METADATA)
    }

    pub(crate) fn set_root_metadata(&self, metadata: &Metadata) -> Outcome<()> {
        self.set(ROOT_METADATA, to_cbor(metadata))
    }

    /// A number that no directory had before.
    pub(crate) fn next_directory(&self) -> Outcome<DirectoryId> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO state (key, value) VALUES ('last_directory', 1) \
             ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value",
        )?;
        Ok(DirectoryId(statement.query_row([], |row| row.get(0))?))
    }

    /// The newest acknowledged head that a round recorded, and when that round ended.
    pub(crate) fn acknowledgement(&self) -> Outcome<Option<(Head, Timestamp)>> {
        self.get_cbor(ACKNOWLEDGEMENT)
    }

    pub(crate) fn set_acknowledgement(&self, head: Head, at: Timestamp) -> Outcome<()> {
        self.set(ACKNOWLEDGEMENT, to_cbor(&(head, at)))
    }

    pub(crate) fn scrub_balance(&self) -> Outcome<Option<(Timestamp, i64)>> {
        self.get_cbor(SCRUB_BALANCE)
    }

    pub(crate) fn set_scrub_balance(&self, at: Timestamp, bytes: i64) -> Outcome<()> {
        self.set(SCRUB_BALANCE, to_cbor(&(at, bytes)))
    }

    /// What all chunk lists take, kept and not counted.
    pub(crate) fn chunk_list_bytes(&self) -> Outcome<i64> {
        Ok(self.get(CHUNK_LIST_BYTES)?.unwrap_or_default())
    }

    pub(crate) fn add_chunk_list_bytes(&self, more: i64) -> Outcome<()> {
        self.set(CHUNK_LIST_BYTES, self.chunk_list_bytes()?.saturating_add(more))
    }

    pub(crate) fn way(&self) -> Outcome<Option<String>> {
        self.get(WAY)
    }

    pub(crate) fn set_way(&self, way: &str) -> Outcome<()> {
        self.set(WAY, way)
    }
}
