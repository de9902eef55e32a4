//! Reading a file: stat, read, stat, on one descriptor. xxh3 and content id of a row come from one read.

use std::io;

use chunking::ChunkList;
use protocol::{ByteRange, ContentId, Name};
use seams::clock::Clock;
use seams::fs::{Directory, File, Stat};
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::recorded::{Evidence, Fingerprint, Reading, Recorded, Trust};
use seams::stretches::{Stretch, Stretches};
use xxhash_rust::xxh3::Xxh3;

use crate::content::Making;
use crate::round::Round;
use crate::trust::{ReadStart, Stamps, is_silent, trust};

/// How often a file that changes under the reader is read anew before it is deferred.
const READ_ATTEMPTS: usize = 3;
/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// What came of reading a file.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // One lives at a time; boxing would only add noise.
pub(crate) enum Outcome {
    /// These bytes, proven by an equal stat before and after; the stat they belong to; how they are cut, where they are
    /// new and worth a list.
    Read { reading: Reading, stat: Stat, list: Option<ChunkList> },
    /// It kept changing.
    Moving,
    /// It is not there any more.
    Vanished,
    /// It could not be opened or read.
    Failed(io::Error),
}

/// Reads files, with one buffer for all of them.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub clock: &'a dyn Clock,
    pub progress: &'a dyn Progress,
    /// Tells how earlier versions were cut.
    pub recorded: &'a dyn Recorded,
    parallel: Parallel,
    buffer: Vec<u8>,
}

/// What one pass over a file's first bytes gave.
struct Pass {
    fingerprint: Fingerprint,
    /// Only where it was asked for.
    content: Option<ContentId>,
    /// The same, and only where the bytes are worth it.
    list: Option<ChunkList>,
    length: u64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(round: &Round<'a>) -> Self {
        let Round { clock, progress, recorded, parallel, .. } = *round;
        Self { clock, progress, recorded, parallel, buffer: vec![0; BUFFER_BYTES] }
    }

    /// Reads the file `name`; one that only grew is taken at the length it had, if those bytes read the same twice.
    /// With an `old` reading of the same size, xxh3 alone tells whether the bytes changed.
    pub(crate) fn read(
        &mut self,
        directory: &dyn Directory,
        name: &Name,
        old: Option<&Reading>,
        stamps: Stamps,
    ) -> Outcome {
        match self.try_read(directory, name, old, stamps) {
            Ok(Some((reading, stat, list))) => Outcome::Read { reading, stat, list },
            Ok(None) => Outcome::Moving,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Outcome::Vanished,
            Err(error) => Outcome::Failed(error),
        }
    }

    fn try_read(
        &mut self,
        directory: &dyn Directory,
        name: &Name,
        old: Option<&Reading>,
        stamps: Stamps,
    ) -> io::Result<Option<(Reading, Stat, Option<ChunkList>)>> {
        let file = directory.open_file(name)?;
        // A length at which the file was read once while it grew, and what those bytes were.
        let mut shorter: Option<(Stat, Fingerprint)> = None;
        for _ in 0..READ_ATTEMPTS {
            let start = ReadStart::now(self.clock);
            let before = file.stat()?;
            shorter = shorter.filter(|(stat, _)| only_grew(stat, &before));
            let wanted = shorter.map_or(before, |(stat, _)| stat);
            let pass = self.passes(&*file, &wanted, old)?;
            let whole = pass.length == wanted.size;
            let unmoved = stamps.agree(&Evidence::from(&before), &Evidence::from(&file.stat()?));
            match shorter {
                Some((stat, first)) if whole && first == pass.fingerprint => {
                    let reading = unproven(reading(&stat, &pass, old, start, stamps));
                    return Ok(Some((reading, stat, pass.list)));
                }
                None if whole && unmoved => {
                    return Ok(Some((reading(&before, &pass, old, start, stamps), before, pass.list)));
                }
                _ => shorter = whole.then_some((wanted, pass.fingerprint)),
            }
        }
        Ok(None)
    }

    /// One pass with xxh3 alone where an old reading has the same size; a second with both where the bytes are new.
    fn passes(&mut self, file: &dyn File, stat: &Stat, old: Option<&Reading>) -> io::Result<Pass> {
        let Some(old) = old.filter(|old| old.evidence.size == stat.size) else {
            return self.pass(file, stat.size, Some(self.making(stat, old)));
        };
        let quick = self.pass(file, stat.size, None)?;
        if quick.fingerprint == old.fingerprint {
            return Ok(Pass { content: Some(old.content), ..quick });
        }
        let both = self.pass(file, stat.size, Some(self.making(stat, Some(old))))?;
        // Verified against the first read: bytes that differ are no pass at all.
        let agree = both.fingerprint == quick.fingerprint;
        Ok(if agree { both } else { Pass { length: u64::MAX, ..both } })
    }

    /// Begins a content, to be cut as its earlier version was. Where the snapshot fails here, that is left to whoever needs
    /// it: a file can be cut in any way.
    fn making(&self, stat: &Stat, old: Option<&Reading>) -> Making {
        let like = old.and_then(|old| self.recorded.chunk_parameters(&old.content).ok().flatten());
        Making::new(stat.size, like)
    }

    /// Reads so much of a file, and makes of it what is asked for.
    fn pass(&mut self, file: &dyn File, length: u64, making: Option<Making>) -> io::Result<Pass> {
        let Some(making) = making else {
            let (fingerprint, length) = self.read_through(file, length, &mut |_| {})?;
            return Ok(Pass { fingerprint, content: None, list: None, length });
        };
        let (read, made) = making.of(self.parallel, |take| self.read_through(file, length, take));
        let (fingerprint, length) = read?;
        Ok(Pass { fingerprint, content: Some(made.content), list: made.list, length })
    }

    /// Reads so much of a file, as far as it goes; gives what xxh3 says of it, and how much it was.
    fn read_through(
        &mut self,
        file: &dyn File,
        length: u64,
        take: &mut dyn FnMut(&Stretch<'_>),
    ) -> io::Result<(Fingerprint, u64)> {
        let (mut quick, mut read) = (Xxh3::new(), 0);
        let mut stretches = Stretches::of(file, ByteRange { offset: 0, length });
        while let Some(stretch) = stretches.next(&mut self.buffer)? {
            stretch.portions().for_each(|portion| quick.update(portion));
            read += stretch.length();
            if let Stretch::Data(bytes) = &stretch {
                self.progress.read(bytes.len() as u64);
            }
            take(&stretch);
        }
        Ok((Fingerprint(quick.digest128().to_be_bytes()), read))
    }
}

fn only_grew(before: &Stat, now: &Stat) -> bool {
    now.inode == before.inode && now.size > before.size
}

fn reading(stat: &Stat, pass: &Pass, old: Option<&Reading>, start: ReadStart, stamps: Stamps) -> Reading {
    let evidence = Evidence::from(stat);
    let content =
        pass.content.or(old.map(|old| old.content)).expect("a pass has a content id or an old one that holds");
    // The same evidence in an earlier round was first seen then.
    let first_seen =
        old.filter(|old| stamps.agree(&old.evidence, &evidence)).map_or(start.moment, |old| old.first_seen);
    let silent = old.is_some_and(|old| is_silent(old, &evidence, old.fingerprint == pass.fingerprint, start, stamps));
    let trust = match trust(&evidence, first_seen, start, stamps) {
        Trust::Proven | Trust::UntilStamp if silent => Trust::Silent,
        trust => trust,
    };
    Reading { evidence, fingerprint: pass.fingerprint, content, first_seen, trust, verified: start.wall }
}

/// The reading of a file that has grown since: nothing is proven about what it holds now.
fn unproven(mut reading: Reading) -> Reading {
    reading.trust = Trust::Unproven;
    reading
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
pub(crate) mod tests;
