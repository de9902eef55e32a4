//! Holes are told and not read, on the disk and in memory, and what comes is what reading would give.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use protocol::{Name, Timestamp};

use super::*;
use crate::disk::Disk;
use crate::fs::Fs;
use crate::memory::{ManualClock, Memory, OperationKind};

const HOLE: u64 = LEAST_HOLE_BYTES;

fn memory() -> Memory {
    let fs = Memory::new(Arc::new(ManualClock::new(Timestamp::from_nanos(0))));
    fs.make_directory(Path::new("/d")).expect("made");
    fs
}

fn file(fs: &dyn Fs, directory: &Path, pieces: &[(u64, &[u8])], length: u64) -> Box<dyn File> {
    let directory = fs.open_root(directory).expect("is there");
    let file = directory.create_file(&Name::parse(b"f").expect("a name")).expect("made");
    for (offset, bytes) in pieces {
        file.write_all_at(bytes, *offset).expect("written");
    }
    file.set_length(length).expect("grown");
    file
}

/// How much is a hole, and all the bytes.
fn gathered(file: &dyn File, range: ByteRange, buffer: usize) -> (u64, Vec<u8>) {
    let (mut holes, mut all) = (0, Vec::new());
    let mut stretches = Stretches::of(file, range);
    let mut buffer = vec![7; buffer];
    while let Some(stretch) = stretches.next(&mut buffer).expect("read") {
        match stretch {
            Stretch::Data(bytes) => all.extend_from_slice(bytes),
            Stretch::Hole(length) => {
                holes += length;
                zeros(length).for_each(|portion| all.extend_from_slice(portion));
            }
        }
    }
    (holes, all)
}

fn whole() -> ByteRange {
    ByteRange { offset: 0, length: u64::MAX }
}

#[test]
fn of_a_sparse_file_on_the_disk_hardly_more_than_its_data_is_read() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let file = file(&Disk, place.path(), &[(8 * HOLE, b"data"), (16 * HOLE, b"more")], 40 * HOLE);
    let (holes, all) = gathered(&*file, whole(), 4096);
    assert_eq!(all.len() as u64, 40 * HOLE);
    if file.data_from(0).expect("asked").map(|data| data.offset) != Some(8 * HOLE) {
        println!("SKIP: this file system has no holes");
        return;
    }
    assert!(holes > 39 * HOLE, "{holes}");
}

#[test]
fn a_file_without_holes_is_asked_once_and_a_short_one_never() {
    for (length, asked) in [(HOLE - 1, 0), (20 * HOLE, 1)] {
        let fs = memory();
        let bytes = vec![1; usize::try_from(length).expect("small")];
        let file = file(&fs, Path::new("/d"), &[(0, &bytes)], length);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        fs.set_fault_hook(Some(Arc::new(move |operation| {
            counted.fetch_add(usize::from(operation.kind == OperationKind::SeekData), Ordering::Relaxed);
            None
        })));
        assert_eq!(gathered(&*file, ByteRange { offset: 0, length }, 4096), (0, bytes));
        assert_eq!(count.load(Ordering::Relaxed), asked);
    }
}

#[test]
fn a_file_system_that_cannot_be_asked_is_read() {
    let fs = memory();
    let file = file(&fs, Path::new("/d"), &[(9 * HOLE, b"end")], 9 * HOLE + 3);
    let before = gathered(&*file, whole(), 4096);
    assert_eq!(before.0, 9 * HOLE);
    fs.set_fault_hook(Some(Arc::new(|operation| {
        (operation.kind == OperationKind::SeekData).then(|| io::ErrorKind::Unsupported.into())
    })));
    assert_eq!(gathered(&*file, whole(), 4096), (0, before.1));
}

proptest! {
    #[test]
    fn what_comes_is_what_reading_gives(
        pieces in prop::collection::vec((0..6 * HOLE, 1usize..300_000), 0..5), length in 0..8 * HOLE,
        offset in 0..8 * HOLE, wanted in 0..9 * HOLE, buffer in 1000usize..300_000,
    ) {
        let fs = memory();
        let data: Vec<_> = pieces.iter().map(|(offset, length)| (*offset, vec![1; *length])).collect();
        let data: Vec<_> = data.iter().map(|(offset, bytes)| (*offset, bytes.as_slice())).collect();
        let file = file(&fs, Path::new("/d"), &data, length);
        let range = ByteRange { offset, length: wanted };
        let mut read = vec![0; usize::try_from(wanted.min(length.saturating_sub(offset))).expect("small")];
        let mut done = 0;
        while done < read.len() {
            done += file.read_at(&mut read[done..], offset + done as u64).expect("read");
        }
        prop_assert!(gathered(&*file, range, buffer).1 == read);
    }
}
