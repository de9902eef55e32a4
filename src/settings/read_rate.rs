//! How a rate of reading is typed: `100MiB`, bytes a second.

use std::ffi::OsString;

use uploader::Rate;

use super::sizes::bytes;
use super::value::{Shape, Value, one_text};

impl Value for Rate {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "bytes a second of at least 16KiB such as `100MiB`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["100MiB", "500KB/s"];

    fn read(words: &[OsString]) -> Option<Self> {
        let word = one_text(words)?;
        Self::new(bytes(word.strip_suffix("/s").unwrap_or(word))?)
    }
}
