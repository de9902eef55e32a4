//! How a [`CompressionLevel`] is typed: `auto`, `off`, or a number.

use std::ffi::OsString;

use uploader::{CompressionLevel, Level};

use super::value::{Shape, Value, one_text};

impl Value for CompressionLevel {
    const SHAPE: Shape = Shape::Word;
    const EXPECTED: &'static str = "`auto`, `off`, or a level from 1 (fast) to 19 (small)";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["9", "off"];

    fn read(words: &[OsString]) -> Option<Self> {
        match one_text(words)? {
            "auto" => Some(Self::Auto),
            "off" => Some(Self::Off),
            level => Level::new(level.parse().ok()?).map(Self::Fixed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_or_a_number_from_1_to_19() {
        let read = |word: &str| CompressionLevel::read(&[word.into()]);
        assert_eq!([read("auto"), read("off")], [Some(CompressionLevel::Auto), Some(CompressionLevel::Off)]);
        assert_eq!(read("19"), Level::new(19).map(CompressionLevel::Fixed));
        for bad in ["", "0", "20", "-1", "best"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
