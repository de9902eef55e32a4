//! [`Arriving`]: a content of which some ranges are there, and the record of them that outlives the process.

use std::io;

use protocol::{ByteRange, ContentId, Name};
use seams::fs::{Directory, File};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::store::range_set::RangeSet;
use crate::tree_store::bytes::each_buffer;
use crate::tree_store::prefix::Prefix;
use crate::tree_store::staging::Staging;

/// Most ranges that are kept of one content: more come only from a peer that scatters bytes on purpose.
pub(super) const MAX_RANGES: usize = 65_536;
/// Bytes of one record of a range: offset, length, and XXH3-128 of what was written. That finds what a crash tore;
/// whether the content is what its id says, its BLAKE3 tells in the end.
const RECORD_BYTES: usize = 32;
/// A content is hashed while it arrives from this length on. Shorter ones are read once more for less than that saves.
const LEAST_PREFIX_BYTES: u64 = 1024 * 1024;
/// A content of this length or more goes past the page cache.
pub(super) const LEAST_BYPASSING_BYTES: u64 = 8 * 1024 * 1024;
/// Most bytes that one frame reads again, to hash what came before its turn.
const MAX_CAUGHT_UP_BYTES: u64 = 32 * 1024 * 1024;

/// A content of which some ranges are there.
#[derive(Debug)]
pub(super) struct Arriving {
    /// Its file.
    pub(super) part: Name,
    /// The list of its ranges.
    pub(super) ranges: Name,
    /// Which literals are there.
    pub(super) have: RangeSet,
    /// Records in the list.
    records: u64,
    /// What is in place and hashed.
    pub(super) prefix: Prefix,
}

impl Arriving {
    /// Nothing is there yet.
    pub(super) fn begin(staging: &Staging, content: ContentId) -> io::Result<Self> {
        let (part, ranges) = staging.part_names(content);
        staging.directory().create_file(&part)?;
        staging.directory().create_file(&ranges)?;
        Ok(Self { part, ranges, have: RangeSet::default(), records: 0, prefix: Prefix::default() })
    }

    /// What an earlier run left: the ranges whose bytes are still what their records say. A torn record ends the list.
    pub(super) fn read(directory: &dyn Directory, part: Name, ranges: Name) -> io::Result<Self> {
        let file = directory.open_file(&part)?;
        let list = directory.open_file(&ranges)?;
        let mut have = RangeSet::default();
        let mut records = 0;
        let mut bytes = [0; RECORD_BYTES];
        while read_exact(&*list, &mut bytes, records * RECORD_BYTES as u64)? {
            let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
            let range = ByteRange { offset: number(0), length: number(8) };
            let is_there = range.end().is_some() && digest_of(&*file, range)?.to_le_bytes() == bytes[16..];
            if is_there && have.len() < MAX_RANGES {
                have.insert(range);
            }
            records += 1;
        }
        Ok(Self { part, ranges, have, records, prefix: Prefix::default() })
    }

    /// Its file, to write to; `length` is what it will have.
    pub(super) fn open(&self, directory: &dyn Directory, length: u64) -> io::Result<Box<dyn File>> {
        let mut file = directory.open_file_for_writing(&self.part)?;
        if length >= LEAST_BYPASSING_BYTES {
            file.bypass_cache();
        }
        Ok(file)
    }

    /// Writes what is not there yet of a content of this length, then the record that it is.
    pub(super) fn write(&mut self, directory: &dyn Directory, length: u64, pieces: &[(u64, &[u8])]) -> io::Result<()> {
        let new: Vec<_> = pieces.iter().filter(|piece| !self.have.contains(range_of(piece))).collect();
        if new.is_empty() {
            return Ok(());
        }
        let file = self.open(directory, length)?;
        let ranges = directory.open_file_for_writing(&self.ranges)?;
        let mut records = Vec::with_capacity(new.len() * RECORD_BYTES);
        for (offset, bytes) in &new {
            if *offset < self.prefix.length() {
                self.prefix.forget();
            }
            file.write_all_at(bytes, *offset)?;
            records.extend_from_slice(&record(*offset, bytes));
        }
        ranges.write_all_at(&records, self.records * RECORD_BYTES as u64)?;
        self.records += new.len() as u64;
        new.iter().for_each(|piece| self.have.insert(range_of(piece)));
        self.hash_on(&*file, &new)
    }

    /// Hashes what is in place now, so that little is left to do when the last literal comes.
    fn hash_on(&mut self, file: &dyn File, new: &[&(u64, &[u8])]) -> io::Result<()> {
        if self.prefix.length() == 0 && self.have.end_from(0) < LEAST_PREFIX_BYTES {
            return Ok(());
        }
        for (offset, bytes) in new {
            if *offset == self.prefix.length() {
                self.prefix.extend_with(bytes);
            }
        }
        let length = self.prefix.length();
        self.prefix.extend(file, self.have.end_from(length).min(length.saturating_add(MAX_CAUGHT_UP_BYTES)))
    }
}

fn range_of((offset, bytes): &(u64, &[u8])) -> ByteRange {
    ByteRange { offset: *offset, length: bytes.len() as u64 }
}

fn record(offset: u64, bytes: &[u8]) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..8].copy_from_slice(&offset.to_le_bytes());
    record[8..16].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    record[16..].copy_from_slice(&xxh3_128(bytes).to_le_bytes());
    record
}

fn digest_of(file: &dyn File, range: ByteRange) -> io::Result<u128> {
    let mut hasher = Xxh3::new();
    each_buffer(file, range, |_, bytes| {
        hasher.update(bytes);
        Ok(())
    })?;
    Ok(hasher.digest128())
}

fn read_exact(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<bool> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64)? {
            0 => return Ok(false),
            more => read += more,
        }
    }
    Ok(true)
}
