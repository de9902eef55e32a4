//! [`Limit`]: how many files a brake lets go, as a number or as a share of all.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A share of a tree never means fewer files than this: nobody is to be asked about half of a tree of ten files.
pub const SHARE_FLOOR_FILES: u64 = 100;

/// Hundredths of a percent in a whole.
const WHOLE: u16 = 10_000;

/// How many files may go. Written `100`, `50%` or `2.5%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Exactly so many files; 0 lets none go.
    Files(u64),
    /// A share of all files, and never fewer than [`SHARE_FLOOR_FILES`].
    Share(Share),
}

/// A share of a whole, from 0 % to 100 %, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u16);

/// Text that is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a number of files (such as 100) or a percentage from 0% to 100% (such as 50% or 2.5%)")]
pub struct InvalidLimit;

impl Limit {
    /// Half of all files: what may be deleted where nobody decided otherwise.
    pub const HALF: Self = Self::Share(Share(WHOLE / 2));

    /// How many files that is where there are `files`.
    #[must_use]
    pub fn of(self, files: u64) -> u64 {
        match self {
            Self::Files(limit) => limit,
            Self::Share(share) => share.of(files).max(SHARE_FLOOR_FILES),
        }
    }
}

impl Share {
    /// So many hundredths of a percent; nothing above 10,000.
    #[must_use]
    pub fn from_hundredths_of_percent(hundredths: u16) -> Option<Self> {
        (hundredths <= WHOLE).then_some(Self(hundredths))
    }

    /// That share of a number, rounded down.
    #[must_use]
    pub fn of(self, whole: u64) -> u64 {
        let part = u128::from(whole) * u128::from(self.0) / u128::from(WHOLE);
        u64::try_from(part).expect("a share is at most the whole, which is a u64")
    }
}

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        match text.strip_suffix('%') {
            Some(percent) => percent.trim_end().parse().map(Self::Share),
            None => number(text).map(Self::Files).ok_or(InvalidLimit),
        }
    }
}

impl FromStr for Share {
    type Err = InvalidLimit;

    /// Percent, without the sign: `50`, `2.5`, `0.25`.
    fn from_str(percent: &str) -> Result<Self, InvalidLimit> {
        let (whole, fraction) = percent.split_once('.').unwrap_or((percent, "0"));
        if !(1..=2).contains(&fraction.len()) {
            return Err(InvalidLimit);
        }
        let whole: u16 = number(whole).ok_or(InvalidLimit)?;
        let hundredths: u16 = number(&format!("{fraction:0<2}")).ok_or(InvalidLimit)?;
        let all = whole.checked_mul(100).and_then(|whole| whole.checked_add(hundredths)).ok_or(InvalidLimit)?;
        Self::from_hundredths_of_percent(all).ok_or(InvalidLimit)
    }
}

/// Digits alone: Rust's own parsers also take a sign.
fn number<N: FromStr>(digits: &str) -> Option<N> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(files) => write!(f, "{files}"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match hundredths {
            0 => write!(f, "{whole}%"),
            tenths if tenths % 10 == 0 => write!(f, "{whole}.{}%", tenths / 10),
            hundredths => write!(f, "{whole}.{hundredths:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit(text: &str) -> Limit {
        text.parse().expect("a limit in this test")
    }

    #[test]
    fn numbers_and_percentages_are_read() {
        assert_eq!(limit("100"), Limit::Files(100));
        assert_eq!(limit("0"), Limit::Files(0));
        assert_eq!(limit("50%"), Limit::HALF);
        assert_eq!(limit("50 %"), Limit::HALF);
        assert_eq!(limit("2.5%"), Limit::Share(Share(250)));
        assert_eq!(limit("0.05%"), Limit::Share(Share(5)));
        assert_eq!(limit("100%"), Limit::Share(Share(10_000)));
    }

    #[test]
    fn anything_else_is_refused() {
        let no_limits = [
            "",
            "%",
            " ",
            "-1",
            "+1",
            "1.5",
            "ten",
            "101%",
            "100.01%",
            "1.234%",
            ".5%",
            "5.%",
            "-1%",
            "+1%",
            "1%%",
            "1e2",
            "700%",
            "99999%",
            "18446744073709551616",
            "1.-5%",
            "1.+%",
        ];
        for text in no_limits {
            assert_eq!(text.parse::<Limit>(), Err(InvalidLimit), "{text}");
        }
    }

    #[test]
    fn a_share_of_a_small_tree_is_a_hundred_files_and_a_number_is_that_number() {
        assert_eq!(Limit::HALF.of(0), 100);
        assert_eq!(Limit::HALF.of(199), 100);
        assert_eq!(Limit::HALF.of(202), 101);
        assert_eq!(limit("100%").of(u64::MAX), u64::MAX);
        assert_eq!(limit("3").of(1_000_000), 3);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(hundredths in 0..=WHOLE, files: u64) {
            for limit in [Limit::Share(Share(hundredths)), Limit::Files(files)] {
                prop_assert_eq!(limit.to_string().parse::<Limit>(), Ok(limit));
            }
        }
    }
}
