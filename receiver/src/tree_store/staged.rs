//! [`Staged`]: one content on its way.

use std::io;

use protocol::{ByteRange, ContentId, Name, Timestamp};
use seams::fs::{Directory, File};

use crate::store::range_set::RangeSet;
use crate::tree_store::bytes::{hash, hash_range};
use crate::tree_store::staging::{Staging, is_expired, remove};

/// Most ranges that are kept of one content: more come only from a peer that scatters bytes on purpose.
pub(super) const MAX_RANGES: usize = 65_536;
/// Bytes of one record of a range: offset, length, BLAKE3.
const RECORD_BYTES: usize = 48;

/// Files of an earlier run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) whole: Option<Name>,
    pub(super) part: Option<Name>,
    pub(super) ranges: Option<Name>,
}

/// What is there of a content.
#[derive(Debug)]
pub(super) enum Staged {
    /// Nothing.
    Nothing,
    /// Files of an earlier run, which nobody has read yet.
    Found(Parts),
    /// Some ranges.
    Arriving(Arriving),
    /// All of it, verified.
    Whole {
        /// Its file.
        name: Name,
        /// Its length in bytes.
        length: u64,
    },
}

/// A content of which some ranges are there.
#[derive(Debug)]
pub(super) struct Arriving {
    /// Its file.
    pub(super) part: Name,
    /// The list of its ranges.
    ranges: Name,
    /// What is there.
    pub(super) have: RangeSet,
    /// Records in the list.
    records: u64,
}

impl Staged {
    /// Reads what an earlier run left, if nobody did yet. What is not what its name says is removed.
    pub(super) fn look(&mut self, staging: &Staging, content: ContentId) -> io::Result<()> {
        let Self::Found(parts) = self else { return Ok(()) };
        let directory = &**staging.directory();
        let Parts { whole, part, ranges } = std::mem::take(parts);
        *self = Self::Nothing;
        if let Some(name) = whole {
            let file = directory.open_file(&name)?;
            if hash(&*file)? == content {
                *self = Self::Whole { name, length: file.stat()?.size };
            } else {
                remove(directory, &name)?;
            }
        }
        match (&self, part, ranges) {
            (Self::Nothing, Some(part), Some(ranges)) => *self = Self::Arriving(read_ranges(directory, part, ranges)?),
            (_, part, ranges) => {
                part.iter().chain(&ranges).try_for_each(|name| remove(directory, name))?;
            }
        }
        Ok(())
    }

    /// The length, if all of it is there.
    pub(super) fn whole_length(&self) -> Option<u64> {
        if let Self::Whole { length, .. } = self { Some(*length) } else { None }
    }

    /// What is there, as ranges.
    pub(super) fn have(&self) -> RangeSet {
        match self {
            Self::Arriving(arriving) => arriving.have.clone(),
            Self::Whole { length, .. } => RangeSet::of([ByteRange { offset: 0, length: *length }]),
            Self::Nothing | Self::Found(_) => RangeSet::default(),
        }
    }

    /// Takes the file and its length out, if all of it is there.
    pub(super) fn take_whole(&mut self) -> Option<(Name, u64)> {
        match std::mem::replace(self, Self::Nothing) {
            Self::Whole { name, length } => Some((name, length)),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes a content that came in one piece; false if it is not what its id says.
    pub(super) fn put_whole(&mut self, staging: &Staging, content: ContentId, bytes: &[u8]) -> io::Result<bool> {
        if ContentId::of(bytes) != content {
            return Ok(false);
        }
        let name = staging.whole_name(content);
        let written = staging.directory().create_file(&name).and_then(|file| file.write_all_at(bytes, 0));
        if let Err(error) = written {
            remove(&**staging.directory(), &name)?;
            return Err(error);
        }
        self.throw_away(staging)?;
        *self = Self::Whole { name, length: bytes.len() as u64 };
        Ok(true)
    }

    /// The arriving content, begun if nothing was there.
    pub(super) fn begin(&mut self, staging: &Staging, content: ContentId) -> io::Result<&mut Arriving> {
        if !matches!(self, Self::Arriving(_)) {
            let (part, ranges) = staging.part_names(content);
            staging.directory().create_file(&part)?;
            staging.directory().create_file(&ranges)?;
            *self = Self::Arriving(Arriving { part, ranges, have: RangeSet::default(), records: 0 });
        }
        match self {
            Self::Arriving(arriving) => Ok(arriving),
            _ => Err(io::Error::other("what was just begun is arriving")),
        }
    }

    /// All of it is there and verified.
    pub(super) fn becomes_whole(&mut self, staging: &Staging, content: ContentId, length: u64) -> io::Result<()> {
        let Self::Arriving(Arriving { part, ranges, .. }) = self else { return Ok(()) };
        let name = staging.whole_name(content);
        let directory = &**staging.directory();
        directory.rename(part, directory, &name)?;
        remove(directory, ranges)?;
        *self = Self::Whole { name, length };
        Ok(())
    }

    /// Whether nobody touched it for long, or there is nothing.
    pub(super) fn is_expired(&self, staging: &Staging, now: Timestamp) -> io::Result<bool> {
        let newest = match self {
            Self::Nothing => return Ok(true),
            Self::Found(Parts { whole, part, ranges }) => ranges.as_ref().or(part.as_ref()).or(whole.as_ref()),
            Self::Arriving(Arriving { ranges, .. }) => Some(ranges),
            Self::Whole { name, .. } => Some(name),
        };
        newest.map_or(Ok(true), |name| is_expired(&**staging.directory(), name, now))
    }

    /// Removes its files.
    pub(super) fn throw_away(&mut self, staging: &Staging) -> io::Result<()> {
        let names = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => vec![],
            Self::Found(Parts { whole, part, ranges }) => whole.into_iter().chain(part).chain(ranges).collect(),
            Self::Arriving(Arriving { part, ranges, .. }) => vec![part, ranges],
            Self::Whole { name, .. } => vec![name],
        };
        names.iter().try_for_each(|name| remove(&**staging.directory(), name))
    }
}

impl Arriving {
    /// Writes bytes, then the record that they are there.
    pub(super) fn write(&mut self, directory: &dyn Directory, pieces: &[(u64, &[u8])]) -> io::Result<()> {
        let file = directory.open_file_for_writing(&self.part)?;
        let ranges = directory.open_file_for_writing(&self.ranges)?;
        let mut records = Vec::with_capacity(pieces.len() * RECORD_BYTES);
        for (offset, bytes) in pieces {
            file.write_all_at(bytes, *offset)?;
            records.extend_from_slice(&record(*offset, bytes));
        }
        ranges.write_all_at(&records, self.records * RECORD_BYTES as u64)?;
        self.records += pieces.len() as u64;
        for (offset, bytes) in pieces {
            self.have.insert(ByteRange { offset: *offset, length: bytes.len() as u64 });
        }
        Ok(())
    }
}

fn record(offset: u64, bytes: &[u8]) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[..8].copy_from_slice(&offset.to_le_bytes());
    record[8..16].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    record[16..].copy_from_slice(ContentId::of(bytes).as_bytes());
    record
}

/// The ranges whose bytes are still what their records say. A torn record ends the list.
fn read_ranges(directory: &dyn Directory, part: Name, ranges: Name) -> io::Result<Arriving> {
    let file = directory.open_file(&part)?;
    let list = directory.open_file(&ranges)?;
    let mut have = RangeSet::default();
    let mut records = 0;
    let mut record = [0; RECORD_BYTES];
    while read_exact(&*list, &mut record, records * RECORD_BYTES as u64)? {
        let number = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"));
        let range = ByteRange { offset: number(0), length: number(8) };
        let is_there = range.end().is_some() && hash_range(&*file, range)?.as_bytes()[..] == record[16..];
        if is_there && have.len() < MAX_RANGES {
            have.insert(range);
        }
        records += 1;
    }
    Ok(Arriving { part, ranges, have, records })
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
