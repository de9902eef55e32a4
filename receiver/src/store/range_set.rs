//! [`RangeSet`]: which bytes of a content are there.

use std::collections::BTreeMap;

use protocol::ByteRange;

/// A set of bytes, kept as the fewest ranges: none empty, none touching another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RangeSet {
    /// Begin to end.
    ranges: BTreeMap<u64, u64>,
}

impl RangeSet {
    /// The set of all bytes of these ranges. Ranges past any file are cut off there.
    pub(crate) fn of(ranges: impl IntoIterator<Item = ByteRange>) -> Self {
        let mut set = Self::default();
        for range in ranges {
            set.insert(range);
        }
        set
    }

    /// Adds a range, joining what it touches.
    pub(crate) fn insert(&mut self, range: ByteRange) {
        let (mut begin, mut end) = (range.offset, range.offset.saturating_add(range.length));
        if begin == end {
            return;
        }
        let touched: Vec<(u64, u64)> =
            self.ranges.range(..=end).rev().take_while(|(_, e)| **e >= begin).map(|(b, e)| (*b, *e)).collect();
        for (b, e) in touched {
            self.ranges.remove(&b);
            begin = begin.min(b);
            end = end.max(e);
        }
        self.ranges.insert(begin, end);
    }

    /// Whether all bytes of a range are in the set.
    pub(crate) fn contains(&self, range: ByteRange) -> bool {
        let Some(end) = range.end() else { return false };
        range.length == 0 || self.ranges.range(..=range.offset).next_back().is_some_and(|(_, e)| *e >= end)
    }

    /// Where the bytes from `offset` on end that are in the set without a gap; `offset` itself where there are none.
    pub(crate) fn end_from(&self, offset: u64) -> u64 {
        self.ranges.range(..=offset).next_back().map_or(offset, |(_, end)| (*end).max(offset))
    }

    /// The bytes of this set that the other has not, as ranges in order.
    pub(crate) fn without(&self, other: &Self) -> Vec<ByteRange> {
        let mut left = Vec::new();
        for (begin, end) in &self.ranges {
            let mut at = *begin;
            let first = other.ranges.range(..=at).next_back().map_or(at, |(b, _)| *b);
            for (b, e) in other.ranges.range(first..*end).filter(|(_, e)| **e > *begin) {
                if *b > at {
                    left.push(ByteRange { offset: at, length: b - at });
                }
                at = at.max(*e);
            }
            if at < *end {
                left.push(ByteRange { offset: at, length: end - at });
            }
        }
        left
    }

    /// How many ranges it takes.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn bytes(ranges: &[(u64, u64)]) -> BTreeSet<u64> {
        ranges.iter().flat_map(|(offset, length)| *offset..offset + length).collect()
    }

    fn set(ranges: &[(u64, u64)]) -> RangeSet {
        RangeSet::of(ranges.iter().map(|(offset, length)| ByteRange { offset: *offset, length: *length }))
    }

    #[test]
    fn neighbours_become_one_range() {
        assert_eq!(set(&[(0, 2), (4, 2), (2, 2)]), set(&[(0, 6)]));
        assert_eq!(set(&[(0, 6)]).len(), 1);
    }

    fn ranges() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((0u64..30, 0u64..8), 0..8)
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_bytes(a in ranges(), b in ranges(), probe in (0u64..30, 0u64..8)) {
            let range = ByteRange { offset: probe.0, length: probe.1 };
            prop_assert_eq!(set(&a).contains(range), bytes(&[probe]).is_subset(&bytes(&a)));
            let left: Vec<(u64, u64)> = set(&a).without(&set(&b)).iter().map(|r| (r.offset, r.length)).collect();
            let end = (range.offset..).find(|at| !bytes(&a).contains(at)).expect("a set has an end");
            prop_assert_eq!(set(&a).end_from(range.offset), end);
            let expected: BTreeSet<u64> = bytes(&a).difference(&bytes(&b)).copied().collect();
            prop_assert_eq!(bytes(&left), expected);
        }
    }
}
