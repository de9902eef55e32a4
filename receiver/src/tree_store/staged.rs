//! [`Staged`]: one content on its way.

use std::io;

use protocol::{ByteRange, ContentId, Name, Timestamp};
use seams::fs::File;

use crate::catalog::Disk;
use crate::store::proposal::FirstUse;
use crate::store::range_set::RangeSet;
use crate::tree_store::arriving::Arriving;
use crate::tree_store::bytes::hash;
use crate::tree_store::staging::{Staging, is_expired, remove};
use crate::tree_store::step::file_mode;

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
    /// All of it.
    Whole(Whole),
}

/// A content that is all there, verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    /// Its file.
    pub(super) name: Name,
    /// Its length in bytes.
    pub(super) length: u64,
    /// How the file looks already, if it was made for one use.
    pub(super) ready: Option<Ready>,
}

/// A file that has the mode and mtime that one use asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ready {
    /// For which use.
    pub(super) usage: FirstUse,
    /// What the disk says of it.
    pub(super) disk: Disk,
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
                *self = Self::Whole(Whole { name, length: file.stat()?.size, ready: None });
            } else {
                remove(directory, &name)?;
            }
        }
        match (&self, part, ranges) {
            (Self::Nothing, Some(part), Some(ranges)) => {
                *self = Self::Arriving(Arriving::read(directory, part, ranges)?);
            }
            (_, part, ranges) => {
                part.iter().chain(&ranges).try_for_each(|name| remove(directory, name))?;
            }
        }
        Ok(())
    }

    /// The length, if all of it is there.
    pub(super) fn whole_length(&self) -> Option<u64> {
        if let Self::Whole(whole) = self { Some(whole.length) } else { None }
    }

    /// What is there, as ranges.
    pub(super) fn have(&self) -> RangeSet {
        match self {
            Self::Arriving(arriving) => arriving.have.clone(),
            Self::Whole(whole) => RangeSet::of([ByteRange { offset: 0, length: whole.length }]),
            Self::Nothing | Self::Found(_) => RangeSet::default(),
        }
    }

    /// How many bytes from its beginning are in place and hashed.
    pub(super) fn prefix_length(&self) -> u64 {
        if let Self::Arriving(arriving) = self { arriving.prefix.length() } else { 0 }
    }

    /// Takes the file out, if all of it is there.
    pub(super) fn take_whole(&mut self) -> Option<Whole> {
        match std::mem::replace(self, Self::Nothing) {
            Self::Whole(whole) => Some(whole),
            other => {
                *self = other;
                None
            }
        }
    }

    /// Takes a content that came in one piece, as the file that it will be; false if it is not what its id says.
    pub(super) fn put_whole(
        &mut self,
        staging: &Staging,
        content: ContentId,
        bytes: &[u8],
        usage: FirstUse,
    ) -> io::Result<bool> {
        if ContentId::of(bytes) != content {
            return Ok(false);
        }
        let name = staging.whole_name(content);
        let made = staging.directory().create_file(&name).and_then(|file| make_ready(&*file, bytes, usage));
        match made {
            Ok(ready) => {
                self.throw_away(staging)?;
                *self = Self::Whole(Whole { name, length: bytes.len() as u64, ready: Some(ready) });
                Ok(true)
            }
            Err(error) => {
                remove(&**staging.directory(), &name)?;
                Err(error)
            }
        }
    }

    /// The arriving content, begun if nothing was there.
    pub(super) fn begin(&mut self, staging: &Staging, content: ContentId) -> io::Result<&mut Arriving> {
        if !matches!(self, Self::Arriving(_)) {
            *self = Self::Arriving(Arriving::begin(staging, content)?);
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
        *self = Self::Whole(Whole { name, length, ready: None });
        Ok(())
    }

    /// Whether nobody touched it for long, or there is nothing.
    pub(super) fn is_expired(&self, staging: &Staging, now: Timestamp) -> io::Result<bool> {
        let newest = match self {
            Self::Nothing => return Ok(true),
            Self::Found(Parts { whole, part, ranges }) => ranges.as_ref().or(part.as_ref()).or(whole.as_ref()),
            Self::Arriving(Arriving { ranges, .. }) => Some(ranges),
            Self::Whole(Whole { name, .. }) => Some(name),
        };
        newest.map_or(Ok(true), |name| is_expired(&**staging.directory(), name, now))
    }

    /// Removes its files.
    pub(super) fn throw_away(&mut self, staging: &Staging) -> io::Result<()> {
        let names = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => vec![],
            Self::Found(Parts { whole, part, ranges }) => whole.into_iter().chain(part).chain(ranges).collect(),
            Self::Arriving(Arriving { part, ranges, .. }) => vec![part, ranges],
            Self::Whole(Whole { name, .. }) => vec![name],
        };
        names.iter().try_for_each(|name| remove(&**staging.directory(), name))
    }
}

fn make_ready(file: &dyn File, bytes: &[u8], usage: FirstUse) -> io::Result<Ready> {
    file.write_all_at(bytes, 0)?;
    file.set_mode(file_mode(usage.mode))?;
    file.set_mtime(usage.mtime)?;
    Ok(Ready { usage, disk: Disk::from(&file.stat()?) })
}
