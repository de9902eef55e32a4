//! Recipes make the content they are for, out of what the lists tell, and cost little.

use proptest::prelude::*;

use super::*;
use crate::Parameters;
use crate::cutter::tests::{list, noise};

fn cut(bytes: &[u8]) -> ChunkList {
    list(Parameters::with_mean(256).expect("a good mean"), bytes)
}

fn id(bytes: &[u8]) -> ContentId {
    ContentId::of(bytes)
}

/// The recipe of one content out of others.
fn recipe_of(new: &[u8], olds: &[&[u8]]) -> Vec<Segment> {
    let lists: Vec<_> = olds.iter().map(|old| cut(old)).collect();
    let bases: Vec<_> = olds.iter().zip(&lists).map(|(old, list)| Base { content: id(old), list }).collect();
    recipe(&cut(new), &bases)
}

/// What a receiver makes of a recipe, given the literals.
fn follow(recipe: &[Segment], new: &[u8], olds: &[&[u8]]) -> Vec<u8> {
    let at = |offset: u64| usize::try_from(offset).expect("small");
    let mut made = Vec::new();
    for segment in recipe {
        match segment {
            Segment::Copy { content, offset, length } => {
                let old = olds.iter().find(|old| id(old) == *content).expect("a base");
                made.extend_from_slice(&old[at(*offset)..at(offset + length)]);
            }
            Segment::Literal { length } => made.extend_from_slice(&new[made.len()..made.len() + at(*length)]),
            Segment::Zeros { length } => made.resize(made.len() + at(*length), 0),
        }
    }
    made
}

fn literal(recipe: &[Segment]) -> u64 {
    let literals = recipe.iter().filter(|segment| matches!(segment, Segment::Literal { .. }));
    literals.map(Segment::length).sum()
}

#[test]
fn a_byte_in_front_costs_a_chunk_and_leaves_one_copy() {
    let old = noise(1, 100_000);
    let new = [b"x", &old[..]].concat();
    let recipe = recipe_of(&new, &[&old]);
    assert_eq!(recipe.len(), 2, "{recipe:?}");
    assert!(literal(&recipe) <= 1024);
    assert_eq!(follow(&recipe, &new, &[&old]), new);
}

#[test]
fn what_shares_nothing_is_all_literal() {
    assert_eq!(recipe_of(&noise(1, 50_000), &[&noise(2, 50_000)]), []);
    assert_eq!(recipe_of(b"", &[&noise(2, 50_000)]), []);
}

#[test]
fn holes_are_zeros_and_a_few_zeros_are_no_hole() {
    let new = [noise(1, 5_000), vec![0; 1_000_000], noise(2, 5_000)].concat();
    let recipe = recipe_of(&new, &[]);
    assert!(matches!(recipe[..], [Segment::Literal { .. }, Segment::Zeros { .. }, Segment::Literal { .. }]));
    assert!(literal(&recipe) <= 10_000 + 2 * 1024);
    assert_eq!(recipe_of(&[noise(1, 5_000), vec![0; 3_000], noise(2, 5_000)].concat(), &[]), []);
}

#[test]
fn zeros_amid_a_copy_are_copied_along() {
    let old = [noise(1, 5_000), vec![0; 3_000], noise(2, 5_000)].concat();
    let new = [&old[..], b"more"].concat();
    let recipe = recipe_of(&new, &[&old]);
    assert!(matches!(recipe[..], [Segment::Copy { .. }, Segment::Literal { .. }]), "{recipe:?}");
}

#[test]
fn a_copy_that_costs_more_than_it_saves_is_no_copy() {
    let segments = [
        Segment::Literal { length: 500 },
        Segment::Copy { content: id(b"x"), offset: 0, length: LEAST_COPY - 1 },
        Segment::Literal { length: 500 },
        Segment::Copy { content: id(b"x"), offset: 900, length: LEAST_COPY },
    ];
    let first = Segment::Literal { length: 999 + LEAST_COPY };
    assert_eq!(merge_small(&segments, LEAST_COPY), [first, segments[3]]);
}

#[test]
fn a_recipe_has_its_most_segments_and_no_more() {
    let old = cut(&noise(1, 20 << 20));
    // Every second chunk of a long file, so that each is a copy of its own.
    let mut new = ChunkList::empty(old.parameters());
    for (place, chunk) in old.iter().enumerate() {
        let other = Chunk::Bytes { hash: 1 << 39, length: 300 };
        assert!(new.push(if place % 2 == 0 { chunk } else { other }));
    }
    let recipe = recipe(&new, &[Base { content: id(b"old"), list: &old }]);
    assert!((MOST_SEGMENTS / 4..=MOST_SEGMENTS).contains(&recipe.len()), "{}", recipe.len());
    assert_eq!(recipe.iter().map(Segment::length).sum::<u64>(), new.length());
}

proptest! {
    #[test]
    fn whatever_is_cut_pasted_and_edited_is_made_again(
        seeds in prop::collection::vec(0u64..5, 1..4),
        edits in prop::collection::vec((0usize..30_000, 0usize..2_000, 0usize..300), 0..6),
    ) {
        let olds: Vec<Vec<u8>> = seeds.iter().map(|seed| noise(*seed, 15_000)).collect();
        let mut new = olds.concat();
        for (at, removed, put) in &edits {
            let at = (*at).min(new.len());
            let end = (at + removed).min(new.len());
            new.splice(at..end, noise(at as u64, *put));
        }
        let olds: Vec<&[u8]> = olds.iter().map(Vec::as_slice).collect();
        let recipe = recipe_of(&new, &olds);
        let sum: u64 = recipe.iter().map(Segment::length).sum();
        prop_assert!(recipe.is_empty() || sum == new.len() as u64);
        prop_assert!(recipe.is_empty() || follow(&recipe, &new, &olds) == new);
        let spoiled = edits.len() as u64 * 2 * 2_048 + 2_300 + 1_024 * seeds.len() as u64;
        let sent = if recipe.is_empty() { new.len() as u64 } else { literal(&recipe) };
        prop_assert!(sent <= spoiled, "{sent} of at most {spoiled}");
    }
}
