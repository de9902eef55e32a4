//! How [`ScrubRate`] is typed: `1%/day`, or bytes a round.

use std::ffi::OsString;

use super::value::{Shape, Value, one_text};
use crate::round::ScrubRate;

/// Digits behind the point of a percentage that count.
const DECIMALS: usize = 2;
/// Hundredths of a percent in a whole.
const WHOLE: u32 = 10_000;

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

/// A percentage up to 100 as hundredths of a percent.
pub(super) fn hundredths(percent: &str) -> Option<u32> {
    let (whole, part) = percent.split_once('.').unwrap_or((percent, "0"));
    let digits = Some(part).filter(|part| part.len() <= DECIMALS)?;
    let part = number(&format!("{digits:0<DECIMALS$}")).filter(|_| !digits.is_empty())?;
    let all = number(whole)?.checked_mul(100)?.checked_add(part)?;
    u32::try_from(all).ok().filter(|all| *all <= WHOLE)
}

/// A whole number of bytes, with or without a unit.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    number(count)?.checked_mul(factor(unit.trim_start())?)
}

fn number(digits: &str) -> Option<u64> {
    // `parse` alone would take a sign.
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn factor(unit: &str) -> Option<u64> {
    let factor = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    Some(factor)
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
