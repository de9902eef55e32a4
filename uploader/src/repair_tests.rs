//! What a mismatch tells, and the recipe that is left.

use std::cell::Cell;
use std::io;

use super::*;

/// A source file with these bytes.
#[derive(Debug)]
struct OneFile(&'static [u8]);

impl Contents for OneFile {
    fn read(&self, _: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError> {
        let at = |place: u64| usize::try_from(place).expect("small");
        let end = range.end().ok_or(ContentError::Changed)?;
        into.extend_from_slice(self.0.get(at(range.offset)..at(end)).ok_or(ContentError::Changed)?);
        Ok(())
    }
}

fn copied(offset: u64, bytes: &[u8]) -> CopiedRange {
    let range = ByteRange { offset, length: bytes.len() as u64 };
    CopiedRange { range, digest: ContentId::of(bytes) }
}

fn copy(length: u64) -> Segment {
    Segment::Copy { content: ContentId::of(b"base"), offset: 7, length }
}

fn made_by(recipe: &[Segment]) -> ContentPlan {
    let length = recipe.iter().map(Segment::length).sum();
    ContentPlan { content: ContentId::of(b"new"), length, recipe: recipe.to_vec() }
}

#[test]
fn only_copies_that_differ_from_the_source_file_are_wrong() {
    let file = OneFile(b"0123456789");
    let answered = [copied(0, b"012"), copied(3, b"xyz"), copied(6, b"6789")];
    let wrong = wrong_copies(&ContentId::of(file.0), &answered, &file).expect("readable");
    assert_eq!(wrong, BTreeSet::from([3]));
    let shorter = wrong_copies(&ContentId::of(file.0), &[copied(8, b"89a")], &file);
    assert!(matches!(shorter, Err(ContentError::Changed)));
    let wraps = CopiedRange { range: ByteRange { offset: 1, length: u64::MAX }, digest: ContentId::of(b"") };
    assert!(matches!(wrong_copies(&ContentId::of(b""), &[wraps], &file), Err(ContentError::Changed)));
}

#[test]
fn a_range_is_read_in_portions() {
    #[derive(Debug)]
    struct Zeros(Cell<u64>);
    // One thread only, in this test.
    #[derive(Debug)]
    struct Shared(std::sync::Mutex<Zeros>);
    impl Contents for Shared {
        fn read(&self, _: &ContentId, range: ByteRange, into: &mut Vec<u8>) -> Result<(), ContentError> {
            let most = self.0.lock().map_err(|_| ContentError::Io(io::ErrorKind::Other.into()))?;
            most.0.set(most.0.get().max(range.length));
            into.resize(into.len() + usize::try_from(range.length).expect("small"), 0);
            Ok(())
        }
    }
    let file = Shared(std::sync::Mutex::new(Zeros(Cell::new(0))));
    let bytes = vec![0; 9 << 20];
    let wrong = wrong_copies(&ContentId::of(&bytes), &[copied(0, &bytes)], &file).expect("readable");
    assert_eq!(wrong, BTreeSet::new());
    assert_eq!(file.0.lock().expect("not poisoned").0.get(), COMPARED_BYTES);
}

#[test]
fn a_wrong_copy_becomes_a_literal_with_its_neighbours() {
    let recipe = [copy(5), Segment::Literal { length: 2 }, copy(3), Segment::Zeros { length: 4 }, copy(6)];
    let left = without(&made_by(&recipe), &BTreeSet::from([7]));
    assert_eq!(left, [recipe[0], Segment::Literal { length: 5 }, recipe[3], recipe[4]]);
    let all = without(&made_by(&[copy(5), Segment::Literal { length: 2 }]), &BTreeSet::from([0]));
    assert_eq!(all, [], "nothing but literals is no recipe");
}
