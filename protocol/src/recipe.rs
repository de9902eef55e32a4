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
    /// The ranges that the client sends.
    #[must_use]
    pub fn literals(&self) -> Vec<ByteRange> {
        if self.recipe.is_empty() {
            return vec![ByteRange { offset: 0, length: self.length }];
        }
        let mut offset = 0u64;
        let mut literals = Vec::new();
        for segment in &self.recipe {
            if let Segment::Literal { length } = segment {
                literals.push(ByteRange { offset, length: *length });
            }
            offset = offset.saturating_add(segment.length());
        }
        literals
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
