//! Guards of the root: whether what is at the source's path is what the mirror is the copy of.
//!
//! An unmounted disk leaves an empty directory behind, without any error. So the root's identity is recorded with the
//! first round, and a root that is missing, replaced or emptied stops the round before anything is compared.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use seams::fs::{Directory, FilesystemIdentity};

use crate::marker::{MARKER_FILE, MarkerId};

/// Which directory a source is: its file system and, where inode numbers last, its inode.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RootIdentity {
    /// The kind of file system.
    #[n(0)]
    pub kind: String,
    /// Its id, which outlasts remounts and reboots.
    #[n(1)]
    pub filesystem: ByteVec,
    /// The inode of the root directory.
    #[n(2)]
    pub inode: Option<u64>,
    /// The id in the marker file, where one is asked for.
    #[n(3)]
    pub marker: Option<MarkerId>,
}

/// Why a round stops at the root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootTrouble {
    /// Another file system is there.
    #[error("the source is on another file system than before: expected {expected}, found {found}")]
    OtherFilesystem {
        /// As recorded.
        expected: String,
        /// As found.
        found: String,
    },
    /// The same file system, another directory.
    #[error("the source is another directory than before: expected inode {expected}, found {found}")]
    OtherDirectory {
        /// As recorded.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// The marker file is not there, or is another one.
    #[error("the source's marker file {file}: expected the id {expected}, found {found}", file = MARKER_FILE)]
    Marker {
        /// As recorded.
        expected: String,
        /// As found.
        found: String,
    },
    /// Nothing is in it, and the mirror has something.
    #[error("the source is empty, and the mirror is not")]
    Emptied,
}

impl RootIdentity {
    /// The identity of an open directory.
    ///
    /// # Errors
    /// As the system calls say.
    pub fn of(root: &dyn Directory) -> std::io::Result<Self> {
        let FilesystemIdentity { kind, id, stable_inodes, .. } = root.filesystem()?;
        let inode = root.own_stat()?.inode;
        Ok(Self { kind, filesystem: id.into(), inode: stable_inodes.then_some(inode), marker: None })
    }

    /// The same directory with the id of its marker file.
    #[must_use]
    pub fn with_marker(self, marker: Option<MarkerId>) -> Self {
        Self { marker, ..self }
    }

    /// As bytes, to be kept here and at the receiver.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("encoding to memory cannot fail")
    }

    /// From bytes; nothing if they are not an identity.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        minicbor::decode(bytes).ok()
    }

    fn filesystem_name(&self) -> String {
        format!("{} {}", self.kind, describe(&self.filesystem))
    }
}

/// Ids are text (a mount source and point) or bytes of a number.
pub(crate) fn describe(id: &[u8]) -> String {
    match std::str::from_utf8(id) {
        Ok(text) if text.chars().all(|c| c == '\0' || !c.is_control()) => text.replace('\0', " on "),
        _ => id.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Whether the root is the one that was recorded.
///
/// # Errors
/// What differs.
pub fn check_root(expected: &RootIdentity, found: &RootIdentity) -> Result<(), RootTrouble> {
    if (&expected.kind, &expected.filesystem) != (&found.kind, &found.filesystem) {
        let (expected, found) = (expected.filesystem_name(), found.filesystem_name());
        return Err(RootTrouble::OtherFilesystem { expected, found });
    }
    match (expected.inode, found.inode) {
        (Some(expected), Some(found)) if expected != found => Err(RootTrouble::OtherDirectory { expected, found }),
        _ => Ok(()),
    }
}

/// Whether the marker is the one that was recorded. Only asked where the configuration wants a marker: a missing one
/// then means that what is mounted here is not the source.
///
/// # Errors
/// What differs.
pub fn check_marker(expected: &RootIdentity, found: &RootIdentity) -> Result<(), RootTrouble> {
    match &expected.marker {
        Some(id) if expected.marker != found.marker => {
            let found = found.marker.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
            Err(RootTrouble::Marker { expected: id.to_string(), found })
        }
        Some(_) | None => Ok(()),
    }
}

/// A source that is empty while the mirror is not, is never a plan.
///
/// # Errors
/// That it is so.
pub fn check_not_emptied(source_is_empty: bool, mirror_is_empty: bool) -> Result<(), RootTrouble> {
    if source_is_empty && !mirror_is_empty { Err(RootTrouble::Emptied) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(filesystem: &[u8], inode: Option<u64>) -> RootIdentity {
        RootIdentity { kind: "ext4".to_owned(), filesystem: filesystem.to_vec().into(), inode, marker: None }
    }

    #[test]
    fn another_file_system_or_directory_stops_the_round_and_both_are_named() {
        let recorded = identity(b"/dev/sda1\0/home", Some(2));
        assert_eq!(check_root(&recorded, &recorded), Ok(()));
        let other = check_root(&recorded, &identity(&[1, 2], Some(2))).expect_err("another file system");
        assert_eq!(
            other.to_string(),
            "the source is on another file system than before: expected ext4 /dev/sda1 on /home, found ext4 0102"
        );
        let replaced = check_root(&recorded, &identity(b"/dev/sda1\0/home", Some(3)));
        assert_eq!(replaced, Err(RootTrouble::OtherDirectory { expected: 2, found: 3 }));
    }

    #[test]
    fn inodes_that_do_not_last_are_no_evidence() {
        assert_eq!(check_root(&identity(b"x", None), &identity(b"x", Some(3))), Ok(()));
    }

    #[test]
    fn a_marker_that_was_recorded_must_be_there() {
        let marker = |byte| Some(MarkerId::from_bytes([byte; 16]));
        let (plain, one) = (identity(b"x", Some(7)), identity(b"x", Some(7)).with_marker(marker(1)));
        assert_eq!(check_marker(&plain, &one), Ok(()), "a marker that is new proves nothing wrong");
        assert_eq!(check_marker(&one, &one), Ok(()));
        let missing = check_marker(&one, &plain).expect_err("it is missing").to_string();
        assert!(missing.contains("expected the id 0101") && missing.ends_with("found none"), "{missing}");
        assert!(check_marker(&one, &identity(b"x", Some(7)).with_marker(marker(2))).is_err(), "another disk's");
    }

    #[test]
    fn an_identity_survives_its_bytes() {
        let identity = identity(b"x", Some(7)).with_marker(Some(MarkerId::from_bytes([9; 16])));
        assert_eq!(RootIdentity::from_bytes(&identity.to_bytes()), Some(identity));
        assert_eq!(RootIdentity::from_bytes(b"\xff"), None);
    }

    #[test]
    fn an_emptied_source_is_never_a_plan() {
        assert_eq!(check_not_emptied(true, false), Err(RootTrouble::Emptied));
        assert_eq!(check_not_emptied(true, true), Ok(()));
        assert_eq!(check_not_emptied(false, false), Ok(()));
    }
}
