//! [`RequestMemory`]: how much memory a receiver takes for requests.

use std::ffi::OsString;

use receiver::http_limits::LEAST_BODY_MEMORY;

use super::sizes::bytes;
use super::value::{Shape, Value, one_text};

/// More is a mistake in a unit.
const MOST_BYTES: usize = 1 << 40;

/// Memory for all requests that are answered at once, in bytes: enough for one, at most [`MOST_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestMemory(usize);

impl RequestMemory {
    /// The bytes.
    pub(crate) const fn get(self) -> usize {
        self.0
    }
}

impl Value for RequestMemory {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a size from `16MiB` to `1TiB`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["32MiB", "1GB"];

    fn read(words: &[OsString]) -> Option<Self> {
        let bytes = usize::try_from(bytes(one_text(words)?)?).ok()?;
        (LEAST_BODY_MEMORY..=MOST_BYTES).contains(&bytes).then_some(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use receiver::http_limits::MAX_BODY_MEMORY;

    use super::*;
    use crate::settings::ReceiveSettings;

    #[test]
    fn memory_for_requests_holds_at_least_one_of_them() {
        let read = |word: &str| RequestMemory::read(&[word.into()]).map(RequestMemory::get);
        assert_eq!([read("16MiB"), read("1TiB")], [Some(16 << 20), Some(1 << 40)]);
        for bad in ["", "0", "15MiB", "2TiB", "-1", "much"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_default_is_what_the_receiver_takes_by_itself() {
        let key = ReceiveSettings::KEYS.iter().find(|key| key.name == "request_memory").expect("it is a key");
        assert_eq!(RequestMemory::read(&[key.default.into()]).map(RequestMemory::get), Some(MAX_BODY_MEMORY));
    }
}
