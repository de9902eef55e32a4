//! [`DigestPrefix`]: the beginning of a held list's digest, as a person types it.

use std::fmt;
use std::str::FromStr;

/// Fewer digits would be typed by chance.
const FEWEST: usize = 6;
/// Digits of a whole digest.
const MOST: usize = 64;

/// 6 to 64 hexadecimal digits, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DigestPrefix(String);

/// What is no beginning of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {FEWEST} to {MOST} hexadecimal digits, as `roundsman status` shows them")]
pub(crate) struct NoDigest;

impl DigestPrefix {
    /// The digits.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DigestPrefix {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        let is_digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let fits = (FEWEST..=MOST).contains(&text.len());
        if is_digits && fits { Ok(Self(text.to_ascii_lowercase())) } else { Err(NoDigest) }
    }
}

impl fmt::Display for DigestPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_has_six_digits_at_least_in_either_case() {
        assert_eq!("0123Ab".parse::<DigestPrefix>().expect("is enough").as_str(), "0123ab");
        for bad in ["", "01234", "01234g", "../../", &"0".repeat(65)] {
            assert_eq!(bad.parse::<DigestPrefix>(), Err(NoDigest), "{bad}");
        }
    }
}
