//! Tests of making contents: a thread of its own changes nothing but the time it takes.

use super::*;

const MIB: usize = 1024 * 1024;

/// What is made of stretches of noise, with a hole between them.
fn made(parallel: Parallel, bytes: &[u8], hole: u64) -> Made {
    let length = bytes.len() as u64 + hole;
    let (read, made) = Making::new(length, None).of(parallel, |take| {
        for (index, portion) in bytes.chunks(200_000).enumerate() {
            take(&Stretch::Data(portion));
            if index == 7 && hole > 0 {
                take(&Stretch::Hole(hole));
            }
        }
        "what reading gave"
    });
    assert_eq!(read, "what reading gave");
    made
}

fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn a_long_content_that_is_cut_on_another_thread_is_cut_the_same() {
    let bytes = noise(8 * MIB + 12_345);
    for hole in [0, 3 * 1024 * 1024 + 17] {
        let (alone, beside) = (made(Parallel::in_order(), &bytes, hole), made(Parallel::new(2), &bytes, hole));
        assert_eq!(beside.content, alone.content);
        assert!(alone.list.as_ref().is_some_and(|list| list.length() == bytes.len() as u64 + hole));
        assert_eq!(beside.list, alone.list);
    }
}

#[test]
fn a_short_content_has_its_id_and_its_list_as_well() {
    let bytes = noise(MIB);
    let made = made(Parallel::new(2), &bytes, 0);
    assert_eq!(made.content, blake3::hash(&bytes).into());
    assert!(made.list.is_some());
}
