//! Cut points, and that they depend on nothing but the bytes.

use fastcdc::v2020::FastCDC;
use proptest::prelude::*;

use super::*;
use crate::MAX_LIST_BYTES;

/// Bytes that depend on the seed alone, in any release of any crate.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn mean(bytes: u32) -> Parameters {
    Parameters::with_mean(bytes).expect("a good mean in this test")
}

/// The list of a content that is fed at once.
pub(crate) fn list(parameters: Parameters, bytes: &[u8]) -> ChunkList {
    let mut cutter = Cutter::new(parameters);
    cutter.feed(bytes);
    cutter.finish().expect("a short list")
}

#[test]
fn cut_points_and_hashes_of_every_size_class_are_those_of_every_release() {
    // (mean, bytes, chunks, xxh3-64 of the encoded list). A change here orphans every list that was ever kept.
    let golden = [
        (1024, 100_000, 76, 0x83fe_a87f_927b_a55b),
        (4 * 1024, 1_000_000, 220, 0x894d_9334_3343_00cd),
        (16 * 1024, 4_000_000, 213, 0x98d5_a5b9_d513_e745),
        (64 * 1024, 16_000_000, 204, 0x904a_ad93_14ce_b843),
    ];
    let found = golden.map(|(size, length, ..)| {
        let list = list(mean(size), &noise(u64::from(size), length));
        (size, length, list.iter().count(), xxhash_rust::xxh3::xxh3_64(list.as_bytes()))
    });
    assert_eq!(found, golden);
}

#[test]
fn the_cuts_are_those_of_fastcdc_itself() {
    let bytes = noise(3, 300_000);
    for size in [256, 1024, 16 * 1024] {
        let (min, max) = (usize::try_from(size / 4).expect("fits"), usize::try_from(size * 4).expect("fits"));
        let theirs: Vec<u64> = FastCDC::new(&bytes, min, max / 4, max).map(|chunk| chunk.length as u64).collect();
        let ours: Vec<u64> = list(mean(size), &bytes).iter().map(|chunk| chunk.length()).collect();
        assert_eq!(ours, theirs);
    }
}

#[test]
fn a_hole_is_one_run_whatever_its_length() {
    let mut cutter = Cutter::new(mean(1024));
    cutter.feed(&noise(1, 10_000));
    for _ in 0..100 {
        cutter.feed(&[0; 100_000]);
    }
    cutter.feed(&noise(2, 10_000));
    let list = cutter.finish().expect("a short list");
    assert_eq!(list.length(), 10_020_000);
    assert!(list.as_bytes().len() < 300, "{}", list.as_bytes().len());
    let longest = list.iter().map(|chunk| chunk.length()).max();
    assert!(longest > Some(9_990_000), "{longest:?}");
}

#[test]
fn a_list_that_would_be_too_long_is_none_and_holds_no_memory_meanwhile() {
    let mut cutter = Cutter::new(mean(256));
    let portion = noise(4, 64 * 1024);
    // A chunk of 300 bytes takes 7 in the list.
    for _ in 0..MAX_LIST_BYTES / 7 * 400 / portion.len() {
        cutter.feed(&portion);
    }
    assert!(cutter.pending.len() <= portion.len() + 1024);
    assert_eq!(cutter.finish(), None);
}

proptest! {
    #[test]
    fn portions_make_no_difference(
        seed: u64, length in 0usize..20_000, zeros in 0usize..5_000, portions in prop::collection::vec(1usize..3_000, 1..9),
    ) {
        let bytes = [noise(seed, length), vec![0; zeros], noise(!seed, length / 2)].concat();
        let mut cutter = Cutter::new(mean(256));
        let mut rest = bytes.as_slice();
        for portion in portions.iter().cycle() {
            let (now, after) = rest.split_at((*portion).min(rest.len()));
            cutter.feed(now);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let whole = list(mean(256), &bytes);
        prop_assert_eq!(whole.length(), bytes.len() as u64);
        prop_assert_eq!(cutter.finish(), Some(whole));
    }

    #[test]
    fn cutting_on_from_a_cut_point_gives_the_same_cuts(seed: u64, length in 3_000usize..30_000, page in 2_000usize..9_000) {
        let bytes = noise(seed, length);
        let mut joined = ChunkList::empty(mean(256));
        let mut from = 0;
        while from < length {
            let end = (from + page).min(length);
            let mut cutter = Cutter::new(mean(256));
            cutter.feed(&bytes[from..end]);
            let part = if end == length { cutter.finish() } else { cutter.pause() };
            let part = part.expect("a short list");
            from += usize::try_from(part.length()).expect("fits");
            joined = joined.joined(&part).expect("it belongs together");
        }
        prop_assert_eq!(joined, list(mean(256), &bytes));
    }
}
