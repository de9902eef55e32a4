//! [`Timestamp`]: nanoseconds since 1970.

use minicbor::{Decode, Encode};

/// Nanoseconds since 1970-01-01T00:00:00Z, negative before.
///
/// Times outside the years 1677 to 2262 are kept as the nearest that fits: both sides then agree on the value,
/// so such a file is delivered once and not again in every round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] i64);

const NANOS_PER_SECOND: i128 = 1_000_000_000;

impl Timestamp {
    /// From nanoseconds since 1970.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From seconds and nanoseconds, as system calls give them.
    #[must_use]
    pub fn from_parts(seconds: i64, nanos: u32) -> Self {
        let exact = i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos);
        Self(i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds and nanoseconds (0 to 999,999,999), as system calls take them.
    #[must_use]
    pub fn to_parts(self) -> (i64, u32) {
        let nanos = u32::try_from(self.0.rem_euclid(1_000_000_000)).expect("a remainder below 10^9 fits");
        (self.0.div_euclid(1_000_000_000), nanos)
    }

    /// This moment and `nanos` more, saturating.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_nanoseconds_agree_also_before_1970() {
        for (seconds, nanos) in [(0, 0), (1, 999_999_999), (-1, 1), (-9_000_000_000, 5)] {
            assert_eq!(Timestamp::from_parts(seconds, nanos).to_parts(), (seconds, nanos));
        }
    }

    #[test]
    fn a_time_out_of_range_becomes_the_nearest_that_fits() {
        assert_eq!(Timestamp::from_parts(i64::MAX, 0), Timestamp::from_nanos(i64::MAX));
        assert_eq!(Timestamp::from_parts(i64::MIN, 0), Timestamp::from_nanos(i64::MIN));
    }
}
