//! Tests of the way past the page cache: what is written and read is what it would be otherwise.

use std::io;

use protocol::Name;
use tempfile::TempDir;

use super::super::Disk;
use super::*;
use crate::fs::{Directory, Fs};

/// A file that is written and read past the cache, beside what it should hold. Not in `/tmp`, which may be in memory.
struct World {
    _place: TempDir,
    directory: std::sync::Arc<dyn Directory>,
    model: Vec<u8>,
}

impl World {
    fn new() -> io::Result<Self> {
        let place = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR"))?;
        let directory = Disk.open_root(place.path())?;
        directory.create_file(&name())?;
        Ok(Self { _place: place, directory, model: Vec::new() })
    }

    fn write(&mut self, bytes: &[u8], offset: usize) -> io::Result<()> {
        let mut file = self.directory.open_file_for_writing(&name())?;
        file.bypass_cache();
        file.write_all_at(bytes, offset as u64)?;
        self.model.resize(self.model.len().max(offset + bytes.len()), 0);
        self.model[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn check(&self) -> io::Result<()> {
        for bypass in [false, true] {
            let mut file = self.directory.open_file(&name())?;
            if bypass {
                file.bypass_cache();
            }
            for (begin, length) in [(0, self.model.len() + 10), (4097, 300_000), (self.model.len() - 70_000, 100_000)] {
                let expected = &self.model[begin..self.model.len().min(begin + length)];
                assert!(read_all(&*file, begin, length)? == expected, "{bypass} {begin} {length}");
            }
        }
        Ok(())
    }
}

fn name() -> Name {
    Name::parse(b"f").expect("a name")
}

fn read_all(file: &dyn crate::fs::File, begin: usize, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut read = 0;
    while read < length {
        match file.read_at(&mut bytes[read..], (begin + read) as u64)? {
            0 => break,
            more => read += more,
        }
    }
    bytes.truncate(read);
    Ok(bytes)
}

fn noise(seed: u8, length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0] ^ seed).collect()
}

#[test]
fn pieces_of_any_length_anywhere_are_there_afterwards_whichever_way_they_are_read() -> io::Result<()> {
    let mut world = World::new()?;
    let pieces =
        [(0, 2_500_000), (2_500_000, 1_234_567), (5_000_001, 999_999), (4_096, 65_536), (100, 70_000), (4_999, 2)];
    for (seed, (offset, length)) in (1..).zip(pieces) {
        world.write(&noise(seed, length), offset)?;
        world.check()?;
    }
    Ok(())
}

#[test]
fn whole_blocks_do_not_enter_the_cache_where_the_file_system_allows_it() -> io::Result<()> {
    let place = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR"))?;
    let file = File::options().read(true).write(true).create_new(true).open(place.path().join("f"))?;
    let Some(direct) = Direct::of(&file) else { return Ok(()) };
    let bytes = noise(7, 1_000_000);
    let written = direct.write(&bytes, 100)?;
    // Nothing where the file system takes no direct writes after all.
    assert!(written.is_empty() || written == (4096 - 100..999_424 - 100), "{written:?}");
    Ok(())
}
