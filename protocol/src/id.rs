//! Fixed-size ids. Each is a type of its own, so that a content id can never stand where a lineage is meant.

use std::fmt;

use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Wraps raw bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Reads raw bytes of exactly the right length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Lower-case hexadecimal, as shown to people and used in file names.
            #[must_use]
            pub fn to_hex(&self) -> String {
                use fmt::Write as _;
                self.0.iter().fold(String::with_capacity($length * 2), |mut hex, byte| {
                    write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
                    hex
                })
            }
        }

        impl $name {
            /// Reads what [`Self::to_hex`] wrote; nothing if it is anything else.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                let digits = text.as_bytes();
                let lower_hex = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
                if digits.len() != $length * 2 || !digits.iter().all(lower_hex) {
                    return None;
                }
                let mut bytes = [0; $length];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
                }
                Some(Self(bytes))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), &self.to_hex()[..8])
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.to_hex())
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
                let position = d.position();
                Self::from_slice(d.bytes()?)
                    .ok_or_else(|| decode::Error::message(concat!(stringify!($name), " of wrong length")).at(position))
            }
        }
    };
}

fixed_bytes! {
    /// BLAKE3 of a whole file: the only identity of contents. (xxh3 tells accidents, not attackers: anyone can
    /// make colliding files, so it never leaves the client.)
    ContentId, 32
}

fixed_bytes! {
    /// Digest of a mirror's state, chained over its batches; also the idempotency key of a commit.
    RevisionDigest, 32
}

fixed_bytes! {
    /// Random id of one state directory. Two lineages writing one mirror are two live clients.
    Lineage, 16
}

fixed_bytes! {
    /// Random id of one receiver's data directory. Another id means another receiver answers.
    StoreId, 16
}

fixed_bytes! {
    /// Random id of one round; every batch carries it.
    RoundId, 16
}

impl ContentId {
    /// The content id of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl From<blake3::Hash> for ContentId {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_its_own_text_and_from_no_other() {
        let id = RoundId::from_bytes(*b"\x00\x0f\xf0\xff0123456789ab");
        assert_eq!(RoundId::from_hex(&id.to_hex()), Some(id));
        for bad in ["", "00", &id.to_hex().to_uppercase(), &format!("{id} "), &"+f".repeat(16), &"g0".repeat(16)] {
            assert_eq!(RoundId::from_hex(bad), None, "{bad:?}");
        }
    }
}
