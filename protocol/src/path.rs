//! [`RelPath`]: a path below a root, in bytes, checked once where it enters.

use std::cmp::Ordering;
use std::fmt;

use minicbor::decode::{self, Decode, Decoder};
use minicbor::encode::{self, Encode, Encoder, Write};
use thiserror::Error;

use crate::limits::{MAX_PATH_BYTES, MAX_PATH_DEPTH};
use crate::name::{InvalidName, Name, check_component};

/// Why a path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidPath {
    /// One of its components is no name; also an absolute path, whose first component is empty.
    #[error("invalid path component: {0}")]
    Component(#[from] InvalidName),
    /// More bytes than the protocol carries.
    #[error("a path cannot be longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// More components than the protocol carries.
    #[error("a path cannot be deeper than {MAX_PATH_DEPTH} directories")]
    TooDeep,
}

/// A path below a root: components joined by `/`, none of them empty, `.` or `..`.
///
/// Bytes, not text: nothing is normalised, and a backslash is an ordinary byte. The root itself is the path
/// without components; only [`RelPath::root`] and the wire make it, so that no user input turns into it.
/// Paths are ordered by components: a directory comes directly before everything in it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RelPath(Vec<u8>);

impl RelPath {
    /// The root: no components.
    #[must_use]
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// Checks a path with at least one component.
    ///
    /// # Errors
    /// Absolute, empty, over-long and over-deep paths, and components that are no names.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidPath> {
        if bytes.len() > MAX_PATH_BYTES {
            return Err(InvalidPath::TooLong);
        }
        let mut depth = 0;
        for component in bytes.split(|byte| *byte == b'/') {
            check_component(component)?;
            depth += 1;
        }
        if depth > MAX_PATH_DEPTH {
            return Err(InvalidPath::TooDeep);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// This path with one more component.
    ///
    /// # Errors
    /// Where the longer path passes a limit.
    pub fn join(&self, name: &Name) -> Result<Self, InvalidPath> {
        if self.0.len() + 1 + name.as_bytes().len() > MAX_PATH_BYTES {
            return Err(InvalidPath::TooLong);
        }
        if self.depth() + 1 > MAX_PATH_DEPTH {
            return Err(InvalidPath::TooDeep);
        }
        let mut bytes = Vec::with_capacity(self.0.len() + 1 + name.as_bytes().len());
        if !self.is_root() {
            bytes.extend_from_slice(&self.0);
            bytes.push(b'/');
        }
        bytes.extend_from_slice(name.as_bytes());
        Ok(Self(bytes))
    }

    /// The bytes, components joined by `/`; empty for the root.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root itself.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// How many components it has.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.components().count()
    }

    /// The components in order.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = Name> + '_ {
        self.0
            .split(|byte| *byte == b'/')
            .filter(|component| !component.is_empty())
            .map(|component| Name::parse(component).expect("every component was checked when the path was made"))
    }

    /// The directory it is in and its name there; nothing for the root.
    #[must_use]
    pub fn split_last(&self) -> Option<(Self, Name)> {
        if self.is_root() {
            return None;
        }
        let (parent, name) = match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (self.0[..slash].to_vec(), &self.0[slash + 1..]),
            None => (Vec::new(), &self.0[..]),
        };
        let name = Name::parse(name).expect("every component was checked when the path was made");
        Some((Self(parent), name))
    }

    /// The directory it is in; nothing for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.split_last().map(|(parent, _)| parent)
    }

    /// Its last component; nothing for the root.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        self.split_last().map(|(_, name)| name)
    }

    /// Whether it lies below `ancestor` (a path does not lie below itself).
    #[must_use]
    pub fn is_below(&self, ancestor: &Self) -> bool {
        self.0.len() > ancestor.0.len()
            && self.0.starts_with(&ancestor.0)
            && (ancestor.is_root() || self.0[ancestor.0.len()] == b'/')
    }

    /// This path with the leading `old` replaced by `new`; nothing if it is neither `old` nor below it.
    #[must_use]
    pub fn rebased(&self, old: &Self, new: &Self) -> Option<Self> {
        if self == old {
            return Some(new.clone());
        }
        if !self.is_below(old) {
            return None;
        }
        let below = if old.is_root() { &self.0[..] } else { &self.0[old.0.len() + 1..] };
        let mut bytes = new.0.clone();
        if !new.is_root() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(below);
        Some(Self(bytes))
    }

    /// All its ancestors from the root down, itself left out.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> + '_ {
        let slashes = self.0.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let root = (!self.is_root()).then(Self::root);
        root.into_iter().chain(slashes.map(|(at, _)| Self(self.0[..at].to_vec())))
    }
}

/// `/` sorts before every byte of a name, so that a directory's contents follow it directly.
fn component_rank(byte: u8) -> u16 {
    if byte == b'/' { 0 } else { u16::from(byte) + 1 }
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.0.iter().zip(&other.0).find(|(a, b)| a != b) {
            Some((a, b)) => component_rank(*a).cmp(&component_rank(*b)),
            None => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Bytes as shown to people: valid UTF-8 as it is, control characters, backslashes and stray bytes escaped.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => shown.push_str("\\\\"),
                plain if is_harmless(plain) => shown.push(plain),
                control => shown.extend(control.escape_default()),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// Whether a character may be shown as it is: no control character, and none that reorders the text around it. A name
/// must not rewrite the line that shows it.
#[must_use]
pub fn is_harmless(character: char) -> bool {
    let reorders = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !character.is_control() && !reorders
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&if self.is_root() { ".".to_owned() } else { escape(&self.0) })
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl<C> Encode<C> for RelPath {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for RelPath {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let position = d.position();
        match d.bytes()? {
            [] => Ok(Self::root()),
            bytes => Self::parse(bytes).map_err(|e| decode::Error::message(e).at(position)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text.as_bytes()).expect("valid in this test")
    }

    #[test]
    fn what_leaves_the_root_or_names_nothing_is_refused() {
        for bad in ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "./a", "a/./b", "a\0b"] {
            assert!(RelPath::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert_eq!(RelPath::parse(&vec![b'a'; MAX_PATH_BYTES + 1]), Err(InvalidPath::TooLong));
        let deep = vec!["a"; MAX_PATH_DEPTH + 1].join("/");
        assert_eq!(RelPath::parse(deep.as_bytes()), Err(InvalidPath::TooDeep));
    }

    #[test]
    fn a_directory_sorts_directly_before_what_is_in_it() {
        let mut paths = vec![path("a-b"), path("a/b"), path("a"), path("a/b/c"), path("b"), RelPath::root()];
        paths.sort();
        assert_eq!(paths, [RelPath::root(), path("a"), path("a/b"), path("a/b/c"), path("a-b"), path("b")]);
    }

    #[test]
    fn rebasing_follows_a_moved_directory() {
        assert_eq!(path("a/x/y").rebased(&path("a"), &path("b/c")), Some(path("b/c/x/y")));
        assert_eq!(path("ab/x").rebased(&path("a"), &path("b")), None);
        assert_eq!(path("x").rebased(&RelPath::root(), &path("b")), Some(path("b/x")));
    }

    #[test]
    fn names_shown_to_people_cannot_rewrite_the_line() {
        assert_eq!(escape(b"a\nb\x1b[2J\\\xff"), "a\\nb\\u{1b}[2J\\\\\\xff");
        assert_eq!(escape("gr\u{fc}n \u{202e}".as_bytes()), "gr\u{fc}n \\u{202e}");
    }

    fn components() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(prop::num::u8::ANY, 1..4), 1..4)
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_components(a in components(), b in components()) {
            let (left, right) = (RelPath::parse(&a.join(&b'/')), RelPath::parse(&b.join(&b'/')));
            if let (Ok(left), Ok(right)) = (left, right) {
                let names = |path: &RelPath| path.components().collect::<Vec<_>>();
                prop_assert_eq!(left.cmp(&right), names(&left).cmp(&names(&right)));
            }
        }

        #[test]
        fn arbitrary_bytes_parse_or_are_refused_and_round_trip(bytes in prop::collection::vec(prop::num::u8::ANY, 0..64)) {
            if let Ok(path) = RelPath::parse(&bytes) {
                prop_assert_eq!(path.as_bytes(), &bytes[..]);
                let encoded = minicbor::to_vec(&path).expect("encodes");
                prop_assert_eq!(minicbor::decode::<RelPath>(&encoded).expect("decodes"), path);
            }
        }
    }
}
