//! Copying between files, and finding data among holes: the disk beside the plain way that every file system has.

use std::io;
use std::sync::Arc;

use protocol::{ByteRange, Name};
use tempfile::TempDir;

use super::Disk;
use super::file::stretch;
use crate::clock::SystemClock;
use crate::fs::{Directory, File, Fs};
use crate::memory::Memory;

const MIB: u64 = 1024 * 1024;

fn on_disk() -> io::Result<(TempDir, Arc<dyn Directory>)> {
    let place = tempfile::tempdir()?;
    let root = Disk.open_root(place.path())?;
    Ok((place, root))
}

fn file(directory: &dyn Directory, name: &str, bytes: &[u8]) -> io::Result<Box<dyn File>> {
    let file = directory.create_file(&Name::parse(name.as_bytes()).expect("a name"))?;
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

fn read(file: &dyn File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 64];
    let length = file.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// What comes of copies within a range, past its end, and from behind it.
fn outcomes(source: &dyn File, target: &dyn File) -> io::Result<Vec<(u64, Vec<u8>)>> {
    let ranges = [(2, 3, 1), (8, 5, 4), (10, 1, 0), (u64::MAX / 4, 7, 0), (0, 0, 9)];
    let copy = |(offset, length, at)| {
        let copied = target.copy_from(source, ByteRange { offset, length }, at)?;
        Ok((copied, read(target)?))
    };
    ranges.into_iter().map(copy).collect()
}

#[test]
fn the_kernel_copies_what_reading_and_writing_copies() -> io::Result<()> {
    let (_place, root) = on_disk()?;
    let memory = Memory::new(Arc::new(SystemClock::new())).open_root("/".as_ref())?;
    let pair = |root: &dyn Directory| io::Result::Ok((file(root, "a", b"0123456789")?, file(root, "b", b"......")?));
    let (disk, plain) = (pair(&*root)?, pair(&*memory)?);
    let expected = outcomes(&*plain.0, &*plain.1)?;
    assert_eq!(expected[1], (2, b".23489".to_vec()), "as far as the source goes");
    assert_eq!(outcomes(&*disk.0, &*disk.1)?, expected);
    assert_eq!(outcomes(&*plain.0, &*file(&*root, "c", b"......")?)?, expected, "from another file system");
    Ok(())
}

#[test]
fn a_file_that_may_not_be_written_is_not_copied_to() -> io::Result<()> {
    let (_place, root) = on_disk()?;
    let source = file(&*root, "a", b"0123456789")?;
    let target = root.open_file(&Name::parse(b"a").expect("a name"))?;
    assert!(target.copy_from(&*source, ByteRange { offset: 0, length: 1 }, 20).is_err());
    Ok(())
}

#[test]
fn data_is_found_among_holes() -> io::Result<()> {
    let (_place, root) = on_disk()?;
    let sparse = file(&*root, "sparse", b"")?;
    sparse.set_length(16 * MIB)?;
    assert_eq!(sparse.data_from(0)?, None);
    sparse.write_all_at(&[1; 4096], 8 * MIB)?;
    assert_eq!(sparse.data_from(0)?, Some(ByteRange { offset: 8 * MIB, length: 4096 }));
    assert_eq!(sparse.data_from(8 * MIB + 96)?, Some(ByteRange { offset: 8 * MIB + 96, length: 4000 }));
    assert_eq!(sparse.data_from(9 * MIB)?, None);
    assert_eq!(sparse.data_from(17 * MIB)?, None);
    Ok(())
}

#[test]
fn what_begins_within_a_block_of_both_files_is_copied_up_to_the_next_by_itself() {
    assert_eq!(stretch(5, 5, MIB), 4091, "the rest begins with a block, and can be shared");
    assert_eq!(stretch(4096 + 5, 8192 + 5, 7), 7, "it ends before");
    assert_eq!(stretch(8192, 4096, 1_000_000), 1_000_000);
    assert_eq!(stretch(5, 6, 1_000_000), 1_000_000, "nothing of it can be shared");
}
