//! [`ListShare`]: how much of a client's disk the chunk lists may take.

/// Small sources may have lists for everything: so many bytes are no burden to anybody.
const LEAST_BYTES: u64 = 16 * 1024 * 1024;
/// Parts of a share: a hundredth of a percent.
const PARTS: u128 = 10_000;

/// A share of the source's bytes, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListShare(pub u32);

impl Default for ListShare {
    fn default() -> Self {
        Self(100)
    }
}

impl ListShare {
    /// How many bytes the lists of a source of `bytes` may take. Nothing of nothing: then none are kept.
    pub(super) fn of(self, bytes: u64) -> u64 {
        let share = u128::from(bytes) * u128::from(self.0) / PARTS;
        let least = if self.0 == 0 { 0 } else { LEAST_BYTES };
        u64::try_from(share).unwrap_or(u64::MAX).max(least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_their_share_of_a_large_source_and_little_of_a_small_one() {
        assert_eq!(ListShare::default().of(1 << 40), (1 << 40) / 100);
        assert_eq!(ListShare(50).of(u64::MAX), u64::MAX / 200);
        assert_eq!(ListShare::default().of(1_000), LEAST_BYTES);
        assert_eq!(ListShare(0).of(u64::MAX), 0);
    }
}
