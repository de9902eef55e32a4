//! Names: one path component, a mirror's name, a client's name. Each is checked once, here.

use std::fmt;

use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};
use thiserror::Error;

use crate::limits::{MAX_CLIENT_NAME_BYTES, MAX_NAME_BYTES};
use crate::path::escape;

/// Why a name was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing at all.
    #[error("a name cannot be empty")]
    Empty,
    /// Longer than a directory entry can be.
    #[error("a name cannot be longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
    /// `.` or `..`, which name other directories.
    #[error("`.` and `..` are not names")]
    Dots,
    /// A byte that this kind of name cannot hold.
    #[error("this name cannot hold the byte {0:#04x}")]
    Byte(u8),
    /// `.roundsman`, which the receiver keeps for itself.
    #[error("`.roundsman` is the receiver's own")]
    Reserved,
    /// Mirror and client names are for people.
    #[error("this name must be UTF-8")]
    NotUtf8,
}

/// One path component: bytes, not text. Never empty, `.` or `..`; holds no `/` and no NUL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Checks one component.
    ///
    /// # Errors
    /// Everything that a directory entry on Linux cannot be called.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidName> {
        check_component(bytes)?;
        Ok(Self(bytes.into()))
    }

    /// The bytes as the file system has them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", escape(&self.0))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

/// What names of things begin with that a restore has not put in their place yet. Rounds leave them out.
const RESTORING: &[u8] = b".roundsman-restore-";
/// Digits behind [`RESTORING`].
const RESTORING_DIGITS: usize = 32;

impl Name {
    /// The temporary name of what will be called otherwise; the same whenever it is for the same.
    #[must_use]
    pub fn restoring(what: &[&[u8]]) -> Self {
        let digits = crate::ContentId::of(&what.join(&0)).to_hex();
        Self([RESTORING, &digits.as_bytes()[..RESTORING_DIGITS]].concat().into())
    }

    /// Whether it is a name that [`Self::restoring`] made.
    #[must_use]
    pub fn is_restoring(&self) -> bool {
        let digits = self.0.strip_prefix(RESTORING);
        digits.is_some_and(|digits| digits.len() == RESTORING_DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
    }
}

/// The rule for one path component, shared with [`crate::RelPath`].
pub(crate) fn check_component(bytes: &[u8]) -> Result<(), InvalidName> {
    match bytes {
        [] => return Err(InvalidName::Empty),
        b"." | b".." => return Err(InvalidName::Dots),
        long if long.len() > MAX_NAME_BYTES => return Err(InvalidName::TooLong),
        _ => {}
    }
    match bytes.iter().find(|byte| matches!(byte, 0 | b'/')) {
        Some(byte) => Err(InvalidName::Byte(*byte)),
        None => Ok(()),
    }
}

/// The name of a mirror: UTF-8 without `/` and control characters; also the name of its folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MirrorName(String);

impl MirrorName {
    /// Checks a mirror's name.
    ///
    /// # Errors
    /// What no folder can be called, what is not UTF-8, control characters, and the receiver's own `.roundsman`.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidName> {
        check_component(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|_| InvalidName::NotUtf8)?;
        if text == ".roundsman" {
            return Err(InvalidName::Reserved);
        }
        match text.bytes().find(u8::is_ascii_control) {
            Some(byte) => Err(InvalidName::Byte(byte)),
            None if text.chars().any(char::is_control) => Err(InvalidName::Byte(0xc2)),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the mirror's folder.
    #[must_use]
    pub fn as_name(&self) -> Name {
        Name(self.0.as_bytes().into())
    }
}

/// The name of a client: lower-case ASCII letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientName(String);

impl ClientName {
    /// Checks a client's name.
    ///
    /// # Errors
    /// Anything that could be mistaken in a path, a log or a shell.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let allowed = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        match text.as_bytes() {
            [] => Err(InvalidName::Empty),
            long if long.len() > MAX_CLIENT_NAME_BYTES => Err(InvalidName::TooLong),
            [first, ..] if !first.is_ascii_lowercase() && !first.is_ascii_digit() => Err(InvalidName::Byte(*first)),
            bytes => match bytes.iter().find(|byte| !allowed(byte)) {
                Some(byte) => Err(InvalidName::Byte(*byte)),
                None => Ok(Self(text.to_owned())),
            },
        }
    }

    /// The client of commands that work on a local data directory.
    #[must_use]
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the client's folder.
    #[must_use]
    pub fn as_name(&self) -> Name {
        Name(self.0.as_bytes().into())
    }
}

impl fmt::Display for MirrorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ClientName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for MirrorName {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for MirrorName {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let position = d.position();
        Self::parse(d.str()?.as_bytes()).map_err(|e| decode::Error::message(e).at(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_any_bytes_but_slash_and_nul() {
        assert!(Name::parse(b"caf\xe9 \n\\..").is_ok());
        assert_eq!(Name::parse(b""), Err(InvalidName::Empty));
        assert_eq!(Name::parse(b".."), Err(InvalidName::Dots));
        assert_eq!(Name::parse(b"a/b"), Err(InvalidName::Byte(b'/')));
        assert_eq!(Name::parse(b"a\0b"), Err(InvalidName::Byte(0)));
        assert!(Name::parse(&[b'x'; 255]).is_ok());
        assert_eq!(Name::parse(&[b'x'; 256]), Err(InvalidName::TooLong));
    }

    #[test]
    fn a_mirror_is_called_what_a_person_can_read() {
        assert!(MirrorName::parse("Fotos 2026 – Öland".as_bytes()).is_ok());
        assert_eq!(MirrorName::parse(b".roundsman"), Err(InvalidName::Reserved));
        assert_eq!(MirrorName::parse(b"\xff"), Err(InvalidName::NotUtf8));
        assert_eq!(MirrorName::parse(b"a\nb"), Err(InvalidName::Byte(b'\n')));
        assert!(MirrorName::parse("a\u{85}b".as_bytes()).is_err());
    }

    #[test]
    fn a_client_name_is_safe_in_paths_logs_and_shells() {
        assert!(ClientName::parse("laptop-2.home").is_ok());
        for bad in ["", ".roundsman", "-x", "A", "a b", "a/b", "..", "é"] {
            assert!(ClientName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
