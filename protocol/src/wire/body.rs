//! [`Body`]: a message as it travels: its CBOR, or one zstd frame of that. Pure; who may send what is agreed elsewhere.
//!
//! Names and content ids make most of a proposal, and every content id is in it twice: packing halves it and more.

use thiserror::Error;

/// What a receiver's hello has among its features if it takes packed requests and packs answers.
pub const ZSTD_BODIES: &str = "zstd-bodies";
/// The name of the encoding in HTTP's `content-encoding` and `accept-encoding`.
pub const ZSTD: &str = "zstd";

/// Ratio against time: higher levels gain little, content ids are noise.
const LEVEL: i32 = 3;
/// Smaller messages go as they are: the header that announces packing costs what it saves.
const MIN_PACKED_BYTES: usize = 256;
/// What packing must save, in bytes: more than that header.
const MIN_SAVED_BYTES: usize = 32;

/// Whether bodies of a route, requests and answers, may be packed. `hello` is where that is agreed on; `fill` and `read`
/// carry bytes of files, which have their own way to be compressed or do not compress.
#[must_use]
pub fn may_be_packed(route: &str) -> bool {
    !matches!(route, "hello" | "fill" | "read")
}

/// A message as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Its CBOR.
    Plain(Vec<u8>),
    /// One zstd frame of it, which declares its size.
    Zstd(Vec<u8>),
}

impl Body {
    /// Packs a message, where that pays.
    #[must_use]
    pub fn pack(message: Vec<u8>) -> Self {
        if message.len() < MIN_PACKED_BYTES {
            return Self::Plain(message);
        }
        match zstd::bulk::compress(&message, LEVEL) {
            Ok(packed) if packed.len() + MIN_SAVED_BYTES <= message.len() => Self::Zstd(packed),
            // A compressor without memory is no reason not to send.
            Ok(_) | Err(_) => Self::Plain(message),
        }
    }
}

/// Why a packed body is not unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnpackError {
    /// No zstd frame begins here.
    #[error("the body is no zstd frame")]
    NoFrame,
    /// How much room it takes must be known before any is taken.
    #[error("the body's zstd frame does not declare its size")]
    NoSize,
    /// It declares more than is taken, both in bytes.
    #[error("the body has {declared} bytes unpacked, at most {limit} are taken")]
    TooLarge {
        /// What it declares.
        declared: u64,
        /// What is taken.
        limit: usize,
    },
    /// Cut short, damaged, or of another size than it declares.
    #[error("the body's zstd frame is cut short, damaged, or of another size than it declares")]
    Broken,
    /// Something is not part of the frame.
    #[error("the body's zstd frame is followed by other bytes")]
    Trailing,
}

/// A packed body whose declared size is known and within its limit. Nothing is unpacked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed<'a> {
    frame: &'a [u8],
    size: usize,
}

impl<'a> Packed<'a> {
    /// Looks at the head of a packed body that may have `limit` bytes unpacked.
    ///
    /// # Errors
    /// What shows in the head: no frame, no declared size, one over the limit.
    pub fn open(frame: &'a [u8], limit: usize) -> Result<Self, UnpackError> {
        let declared = zstd::zstd_safe::get_frame_content_size(frame).map_err(|_| UnpackError::NoFrame)?;
        let declared = declared.ok_or(UnpackError::NoSize)?;
        let size = usize::try_from(declared).ok().filter(|size| *size <= limit);
        size.map(|size| Self { frame, size }).ok_or(UnpackError::TooLarge { declared, limit })
    }

    /// How many bytes it has unpacked, as it declares.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The message, exactly as long as declared. It is unpacked where it will lie: no other memory is taken, whatever
    /// window the frame asks for.
    ///
    /// # Errors
    /// A frame that is broken or not alone.
    pub fn unpack(self) -> Result<Vec<u8>, UnpackError> {
        let length = zstd::zstd_safe::find_frame_compressed_size(self.frame).map_err(|_| UnpackError::Broken)?;
        if length < self.frame.len() {
            return Err(UnpackError::Trailing);
        }
        let message = zstd::bulk::decompress(self.frame, self.size).map_err(|_| UnpackError::Broken)?;
        if message.len() == self.size { Ok(message) } else { Err(UnpackError::Broken) }
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
