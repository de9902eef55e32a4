//! [`Entry`]: what is at a path: its kind, its metadata, and for files and symlinks its content.

use minicbor::bytes::ByteVec;
use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};
use minicbor::{Decode as DeriveDecode, Encode as DeriveEncode};

use crate::limits::{MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES, MAX_LINK_TARGET_BYTES};
use crate::path::escape;
use crate::{ContentId, Timestamp};

/// The kinds of things a mirror holds. Sockets, FIFOs and devices are not mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link, mirrored as such and never followed.
    Symlink,
}

/// Permission bits, owner and times. Kept and given back whole, whatever the receiver's disk can hold of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, DeriveEncode, DeriveDecode)]
#[cbor(map)]
pub struct Metadata {
    /// The twelve permission bits (`0o7777`).
    #[n(0)]
    pub mode: u16,
    /// Time of last modification.
    #[n(1)]
    pub mtime: Timestamp,
    /// Numeric owner.
    #[n(2)]
    pub uid: u32,
    /// Numeric group.
    #[n(3)]
    pub gid: u32,
    /// Anything else, sorted by key; later versions put extended attributes here.
    #[n(4)]
    #[cbor(default, skip_if = "Vec::is_empty")]
    pub attributes: Vec<Attribute>,
}

/// One attribute that this version carries without knowing what it means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveEncode, DeriveDecode)]
pub struct Attribute {
    /// Its key.
    #[n(0)]
    pub key: ByteVec,
    /// Its value.
    #[n(1)]
    pub value: ByteVec,
}

impl Metadata {
    /// Whether it holds only what the limits and the file system allow.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let short = |bytes: &ByteVec| bytes.len() <= MAX_ATTRIBUTE_BYTES;
        self.mode <= 0o7777
            && self.attributes.len() <= MAX_ATTRIBUTES
            && self.attributes.is_sorted_by(|a, b| a.key < b.key)
            && self.attributes.iter().all(|attribute| short(&attribute.key) && short(&attribute.value))
    }
}

/// Where a symlink points: 1 to 4,095 bytes without NUL, never resolved by us.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkTarget(Box<[u8]>);

impl LinkTarget {
    /// Checks a target; nothing if no symlink can hold it.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let fits = (1..=MAX_LINK_TARGET_BYTES).contains(&bytes.len());
        (fits && !bytes.contains(&0)).then(|| Self(bytes.into()))
    }

    /// The bytes as the link holds them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for LinkTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", escape(&self.0))
    }
}

impl<C> Encode<C> for LinkTarget {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for LinkTarget {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let position = d.position();
        Self::parse(d.bytes()?).ok_or_else(|| decode::Error::message("no symlink target").at(position))
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, DeriveEncode, DeriveDecode)]
pub enum Entry {
    /// A directory; what is in it are entries of their own.
    #[n(0)]
    Directory {
        /// Its metadata.
        #[n(0)]
        metadata: Metadata,
    },
    /// A regular file.
    #[n(1)]
    File {
        /// Its metadata.
        #[n(0)]
        metadata: Metadata,
        /// Length in bytes.
        #[n(1)]
        size: u64,
        /// BLAKE3 of its bytes.
        #[n(2)]
        content: ContentId,
    },
    /// A symbolic link.
    #[n(2)]
    Symlink {
        /// Its metadata.
        #[n(0)]
        metadata: Metadata,
        /// Where it points.
        #[n(1)]
        target: LinkTarget,
    },
}

impl Entry {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Directory { .. } => Kind::Directory,
            Self::File { .. } => Kind::File,
            Self::Symlink { .. } => Kind::Symlink,
        }
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Directory { metadata } | Self::File { metadata, .. } | Self::Symlink { metadata, .. } => metadata,
        }
    }

    /// Its metadata, to change.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        match self {
            Self::Directory { metadata } | Self::File { metadata, .. } | Self::Symlink { metadata, .. } => metadata,
        }
    }

    /// Content id and size, of files only.
    #[must_use]
    pub fn content(&self) -> Option<(ContentId, u64)> {
        match self {
            Self::File { content, size, .. } => Some((*content, *size)),
            Self::Directory { .. } | Self::Symlink { .. } => None,
        }
    }

    /// Whether both are alike but for their metadata: the same kind and the same bytes.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory { .. }, Self::Directory { .. }) => true,
            (Self::File { size: a, content: x, .. }, Self::File { size: b, content: y, .. }) => a == b && x == y,
            (Self::Symlink { target: a, .. }, Self::Symlink { target: b, .. }) => a == b,
            _ => false,
        }
    }
}
