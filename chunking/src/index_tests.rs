//! The index finds lists that share bytes, and stays within its memory.

use super::*;
use crate::cutter::tests::{list, noise};
use crate::{ChunkList, Parameters};

fn cut(bytes: &[u8]) -> ChunkList {
    list(Parameters::with_mean(256).expect("a good mean"), bytes)
}

fn text(seed: u64) -> Vec<u8> {
    noise(seed, 50_000)
}

fn index(bytes: usize, files: u64) -> Index {
    let mut index = Index::within(bytes);
    for number in 1..=files {
        index.add(i64::try_from(number).expect("small"), &cut(&text(number)));
    }
    index.sealed()
}

#[test]
fn lists_that_share_bytes_are_named_the_largest_share_first() {
    let index = index(1 << 20, 20);
    let new = [&text(7)[..10_000], &text(3)[..], &noise(99, 5_000)].concat();
    assert_eq!(index.candidates(cut(&new).iter()), [3, 7]);
    assert_eq!(index.candidates(cut(&noise(100, 100_000)).iter()), [] as [i64; 0]);
}

#[test]
fn one_chunk_in_eight_is_kept_and_where_there_is_no_room_fewer() {
    let chunks = (1..=20).map(|seed| cut(&text(seed)).iter().count()).sum::<usize>();
    let roomy = index(1 << 20, 20);
    assert!((chunks / 16..chunks / 4).contains(&roomy.len()), "{} of {chunks}", roomy.len());
    let small = index(100 * size_of::<Entry>(), 20);
    assert!((10..=100).contains(&small.len()), "{}", small.len());
    assert!(small.entries.iter().all(|(hash, _)| hash.is_multiple_of(small.one_in)));
    assert_eq!(small.candidates(cut(&text(5)).iter()).first(), Some(&5), "what is left still finds");
}

#[test]
fn bytes_that_many_lists_share_lead_to_one_of_them() {
    let mut index = Index::within(1 << 20);
    for number in 0..1_000 {
        index.add(number, &cut(&text(1)));
    }
    let index = index.sealed();
    assert_eq!(index.candidates(cut(&text(1)).iter()), [0]);
    assert!(index.len() < 100);
}
