//! How [`ListShare`] is typed: `1%`.

use std::ffi::OsString;

use super::sizes::hundredths;
use super::value::{Shape, Value, one_text};
use crate::round::ListShare;

impl Value for ListShare {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a share such as `1%` or `0.25%`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["1%", "0%"];

    fn read(words: &[OsString]) -> Option<Self> {
        hundredths(one_text(words)?.strip_suffix('%')?).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_with_up_to_two_decimals() {
        let read = |word: &str| ListShare::read(&[OsString::from(word)]);
        assert_eq!(read("1%"), Some(ListShare::default()));
        assert_eq!(
            (read("0%"), read("0.25%"), read("100%")),
            (Some(ListShare(0)), Some(ListShare(25)), Some(ListShare(10_000)))
        );
        for bad in ["", "1", "101%", "0.001%", "-1%", "%"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
