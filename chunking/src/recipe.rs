//! [`recipe()`]: how a content comes to be out of others, by comparing lists. Pure.

use std::collections::HashMap;

use protocol::{ContentId, Segment};

use crate::{Chunk, ChunkList};

/// Most segments of one recipe. Where more would be needed, small copies travel as literals instead.
const MOST_SEGMENTS: usize = 16 * 1024;
/// Most chunks of all bases that are compared with: 24 bytes each, and as many again for finding them.
const MOST_PLACES: usize = 1024 * 1024;
/// A copy makes about 45 bytes of recipe, splits a literal in two pieces of 10, and text travels at a quarter of its size.
const LEAST_COPY: u64 = 256;
/// Fewer zeros would be no hole, and compress.
const LEAST_ZEROS: u64 = 4 * 1024;

/// A content that the receiver has, and how it is cut.
#[derive(Debug, Clone, Copy)]
pub struct Base<'a> {
    /// Its id.
    pub content: ContentId,
    /// Its chunks.
    pub list: &'a ChunkList,
}

/// How a content is put together from `bases`, the likeliest first; empty where all of it is to be sent.
///
/// Whatever the lists say, the segments make exactly the length of `new`, and copies lie within the lengths of the bases'
/// lists.
#[must_use]
pub fn recipe(new: &ChunkList, bases: &[Base<'_>]) -> Vec<Segment> {
    let segments = matched(new, &Places::of(bases), bases);
    let mut thrifty = merge_small(&segments, LEAST_COPY);
    if thrifty.len() > MOST_SEGMENTS {
        thrifty = merge_small(&thrifty, least_of_the_largest(&thrifty));
    }
    let all_literal = thrifty.iter().all(|segment| matches!(segment, Segment::Literal { .. }));
    if all_literal { Vec::new() } else { thrifty }
}

/// One chunk of one base.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Which base.
    base: usize,
    offset: u64,
    chunk: Chunk,
}

/// The chunks of all bases, one after another, and where each is found first.
#[derive(Debug, Default)]
struct Places {
    places: Vec<Place>,
    first: HashMap<Chunk, usize>,
}

impl Places {
    fn of(bases: &[Base<'_>]) -> Self {
        let mut found = Self::default();
        for (base, Base { list, .. }) in bases.iter().enumerate() {
            let mut offset = 0;
            for chunk in list.iter().take(MOST_PLACES - found.places.len()) {
                found.first.entry(chunk).or_insert(found.places.len());
                found.places.push(Place { base, offset, chunk });
                offset += chunk.length();
            }
        }
        found
    }

    /// Where a chunk is copied from: what follows `last` if it is that, or else where it is found first.
    fn find(&self, chunk: Chunk, last: Option<usize>) -> Option<usize> {
        let next = last.map(|last| last + 1);
        let goes_on = next.filter(|next| self.places.get(*next).is_some_and(|place| place.chunk == chunk));
        goes_on.or_else(|| self.first.get(&chunk).copied())
    }
}

/// Every chunk of `new` as a segment, neighbours of one kind together.
fn matched(new: &ChunkList, places: &Places, bases: &[Base<'_>]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut last = None;
    for chunk in new.iter() {
        let length = chunk.length();
        let is_hole = matches!(chunk, Chunk::Zeros { .. }) && length >= LEAST_ZEROS;
        last = if is_hole { None } else { places.find(chunk, last) };
        let copied = last.map(|place| places.places[place]);
        let segment = match copied {
            _ if is_hole => Segment::Zeros { length },
            Some(Place { base, offset, .. }) => Segment::Copy { content: bases[base].content, offset, length },
            None => Segment::Literal { length },
        };
        segment.add_to(&mut segments);
    }
    segments
}

/// From which length on copies are so few that they, with what lies between them, are not too many.
fn least_of_the_largest(segments: &[Segment]) -> u64 {
    let saving = segments.iter().filter(|segment| !matches!(segment, Segment::Literal { .. }));
    let mut lengths: Vec<u64> = saving.map(Segment::length).collect();
    lengths.sort_unstable_by_key(|length| std::cmp::Reverse(*length));
    // Only longer ones than the first that is one too many: with a literal before each, and one at the end, they fit.
    lengths.get(MOST_SEGMENTS / 2 - 1).map_or(LEAST_COPY, |length| length + 1)
}

/// The same, with copies of less than `least` bytes as literals.
fn merge_small(segments: &[Segment], least: u64) -> Vec<Segment> {
    let mut merged = Vec::new();
    for segment in segments {
        let length = segment.length();
        let is_small = matches!(segment, Segment::Copy { .. } | Segment::Zeros { .. }) && length < least;
        let segment = if is_small { Segment::Literal { length } } else { *segment };
        segment.add_to(&mut merged);
    }
    merged
}

#[cfg(test)]
#[path = "recipe_tests.rs"]
mod tests;
