//! The marker: a file in the source's root that tells a mounted disk from an empty mount point.
//!
//! It is the client's own file: made with the first round where the configuration asks for it, and never mirrored.

use std::fmt;
use std::io;

use minicbor::{Decode, Encode};
use protocol::Name;
use seams::fs::Directory;

/// What the marker file is called.
pub const MARKER_FILE: &str = ".roundsman-marker";

/// Bytes of a marker's id; the file holds twice as many hexadecimal digits and a newline.
const ID_BYTES: usize = 16;

/// What is in a marker file.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct MarkerId(#[cbor(with = "minicbor::bytes")] [u8; ID_BYTES]);

impl MarkerId {
    /// An id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// From the digits in a file; nothing if they are none.
    fn parse(text: &[u8]) -> Option<Self> {
        let digits = std::str::from_utf8(text).ok()?.trim_end();
        if digits.len() != 2 * ID_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok();
        let mut id = [0; ID_BYTES];
        for (at, place) in id.iter_mut().enumerate() {
            *place = byte(at)?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for MarkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The name of the marker file.
#[must_use]
pub fn marker_name() -> Name {
    Name::parse(MARKER_FILE.as_bytes()).expect("a plain name of letters")
}

/// The id in the root's marker file; nothing if there is no such file, or something else in it.
///
/// # Errors
/// As the system calls say, but for a missing file.
pub fn read_marker(root: &dyn Directory) -> io::Result<Option<MarkerId>> {
    let file = match root.open_file(&marker_name()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = [0; 2 * ID_BYTES + 2];
    let length = file.read_at(&mut text, 0)?;
    Ok(MarkerId::parse(&text[..length]))
}

/// Makes the root's marker file, durably. One that is there already but holds no id is replaced.
///
/// # Errors
/// As the system calls say: a source that may only be read cannot be marked.
pub fn make_marker(root: &dyn Directory, id: &MarkerId) -> io::Result<()> {
    let name = marker_name();
    match root.remove_file(&name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let file = root.create_file(&name)?;
    file.write_all_at(format!("{id}\n").as_bytes(), 0)?;
    file.set_mode(0o444)?;
    file.sync()?;
    root.sync()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use protocol::Timestamp;
    use seams::clock::Clock;
    use seams::fs::Fs;
    use seams::memory::{ManualClock, Memory};

    use super::*;

    #[test]
    fn a_marker_is_read_as_it_was_made() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_parts(1, 0)));
        let root = Memory::new(clock).open_root(Path::new("/")).expect("the root");
        assert_eq!(read_marker(&*root).expect("read"), None);
        for id in [MarkerId::from_bytes([0xa5; 16]), MarkerId::from_bytes([7; 16])] {
            make_marker(&*root, &id).expect("made");
            assert_eq!(read_marker(&*root).expect("read"), Some(id));
        }
    }

    #[test]
    fn only_digits_of_the_right_number_are_an_id() {
        assert!(MarkerId::parse(b"00112233445566778899aabbccddeeff\n").is_some());
        for bad in [&b""[..], b"0011", b"zz112233445566778899aabbccddeeff", b"00112233445566778899aabbccddeeff00"] {
            assert_eq!(MarkerId::parse(bad), None);
        }
    }
}
