//! Recipes: how a content is put together from what the receiver has and what the client sends.

use minicbor::{Decode, Encode};

use crate::ContentId;

/// A range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct ByteRange {
    /// Where it begins.
    #[n(0)]
    pub offset: u64,
    /// Its length.
    #[n(1)]
    pub length: u64,
}

impl ByteRange {
    /// Where it ends; nothing where that is past any file.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }
}

/// One segment of a recipe; segments follow each other without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum Segment {
    /// Bytes of a content that the receiver holds for this client.
    #[n(0)]
    Copy {
        /// Which content.
        #[n(0)]
        content: ContentId,
        /// Where in it.
        #[n(1)]
        offset: u64,
        /// How many bytes.
        #[n(2)]
        length: u64,
    },
    /// Bytes that the client sends.
    #[n(1)]
    Literal {
        /// How many bytes.
        #[n(0)]
        length: u64,
    },
    /// Zeros, which may become a hole.
    #[n(2)]
    Zeros {
        /// How many bytes.
        #[n(0)]
        length: u64,
    },
}

impl Segment {
    /// How many bytes it makes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Copy { length, .. } | Self::Literal { length } | Self::Zeros { length } => *length,
        }
    }

    /// The content that it copies from.
    #[must_use]
    pub fn source(&self) -> Option<ContentId> {
        match self {
            Self::Copy { content, .. } => Some(*content),
            Self::Literal { .. } | Self::Zeros { .. } => None,
        }
    }

    /// Adds it to a recipe, as a part of the last segment where it continues that.
    pub fn add_to(self, recipe: &mut Vec<Self>) {
        match (recipe.last_mut(), self) {
            (Some(Self::Literal { length }), Self::Literal { length: more })
            | (Some(Self::Zeros { length }), Self::Zeros { length: more }) => *length += more,
            (
                Some(Self::Copy { content, offset, length }),
                Self::Copy { content: next, offset: from, length: more },
            ) if *content == next && offset.checked_add(*length) == Some(from) => *length += more,
            _ => recipe.push(self),
        }
    }
}

/// How one content of a batch comes to be, where the receiver does not have it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ContentPlan {
    /// Its id, verified by the receiver before anything is named after it.
    #[n(0)]
    pub content: ContentId,
    /// Its length in bytes.
    #[n(1)]
    pub length: u64,
    /// Its recipe; none means: all literal.
    #[n(2)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub recipe: Vec<Segment>,
}

impl ContentPlan {
    /// Its segments with where they lie: one literal where there is no recipe.
    pub fn segments(&self) -> impl Iterator<Item = (ByteRange, Segment)> {
        let all_literal = self.recipe.is_empty().then_some(Segment::Literal { length: self.length });
        let segments = all_literal.into_iter().chain(self.recipe.iter().copied());
        segments.scan(0u64, |at, segment| {
            let range = ByteRange { offset: *at, length: segment.length() };
            *at = at.saturating_add(range.length);
            Some((range, segment))
        })
    }

    /// The ranges that the client sends.
    #[must_use]
    pub fn literals(&self) -> Vec<ByteRange> {
        let literals = self.segments().filter(|(_, segment)| matches!(segment, Segment::Literal { .. }));
        literals.map(|(range, _)| range).collect()
    }

    /// The contents that it copies from, once for each copy.
    pub fn sources(&self) -> impl Iterator<Item = ContentId> {
        self.recipe.iter().filter_map(Segment::source)
    }

    /// Whether the recipe makes exactly the declared length.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let sum = |total: u64, segment: &Segment| total.checked_add(segment.length());
        self.recipe.is_empty() || self.recipe.iter().try_fold(0, sum) == Some(self.length)
    }
}

/// A piece of a frame: where in which content of the proposal its bytes belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Piece {
    /// The content's place in the proposal's list.
    #[n(0)]
    pub index: u32,
    /// Where in the content.
    #[n(1)]
    pub offset: u64,
    /// How many bytes.
    #[n(2)]
    pub length: u64,
}
