//! How [`ScrubRate`] is typed: `1%/day`, or bytes a round.

use std::ffi::OsString;

use super::sizes::{bytes, hundredths};
use super::value::{Shape, Value, one_text};
use crate::round::ScrubRate;

impl Value for ScrubRate {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a share a day such as `1%/day`, or bytes a round such as `500MB` or `2GiB`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["1%/day", "500MB"];

    fn read(words: &[OsString]) -> Option<Self> {
        let text = one_text(words)?;
        match text.strip_suffix("/day") {
            Some(share) => hundredths(share.strip_suffix('%')?).map(Self::PerDay),
            None => bytes(text).map(Self::PerRound),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str) -> Option<ScrubRate> {
        ScrubRate::read(&[OsString::from(word)])
    }

    #[test]
    fn a_scrub_is_a_share_a_day_or_bytes_a_round() {
        let cases = [
            ("1%/day", ScrubRate::PerDay(100)),
            ("0.25%/day", ScrubRate::PerDay(25)),
            ("2.5%/day", ScrubRate::PerDay(250)),
            ("100%/day", ScrubRate::PerDay(10_000)),
            ("500MB", ScrubRate::PerRound(500_000_000)),
            ("2 GiB", ScrubRate::PerRound(2 << 30)),
            ("0", ScrubRate::PerRound(0)),
        ];
        for (word, expected) in cases {
            assert_eq!(read(word), Some(expected), "{word}");
        }
    }

    #[test]
    fn what_is_neither_is_no_scrub() {
        let bad = ["", "1%", "1/day", "100.01%/day", "0.001%/day", "-1%/day", "1.-5%/day", "1.%/day", "5mb", "+5"];
        for bad in bad.into_iter().chain(["99999999TB"]) {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
