//! The scrub's budget: how many bytes of files that seem unchanged are read again in a round. Pure.
//!
//! By the day, it is an account: it grows with the time between rounds and pays for what was read, so that rounds of
//! any interval read every byte again within the same bound. One large file may take it below zero.

use std::time::Duration;

use protocol::Timestamp;

const NANOS_A_MILLI: u128 = 1_000_000;
const DAY: Duration = Duration::from_hours(24);
/// Parts of a share: a hundredth of a percent.
const PARTS: u128 = 10_000;

/// How much is read again, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScrubRate {
    /// So many hundredths of a percent of all bytes each day.
    PerDay(u32),
    /// So many bytes each round.
    PerRound(u64),
}

/// What is left to spend, and when it was reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) at: Timestamp,
    /// In bytes.
    pub(super) balance: i64,
}

impl ScrubRate {
    /// The account at `now`, of a source of `total` bytes. A first round has a day's worth; never more than all.
    pub(super) fn account(self, before: Option<Account>, now: Timestamp, total: u64) -> Account {
        match (self, before) {
            (Self::PerRound(bytes), _) => Account { at: now, balance: clamped(bytes.into()) },
            (Self::PerDay(share), None) => Account { at: now, balance: clamped(due(share, DAY.as_millis(), total)) },
            (Self::PerDay(share), Some(before)) => before.grown(share, now, total),
        }
    }
}

impl Account {
    /// The bytes that may be read now.
    pub(super) fn bytes(self) -> u64 {
        u64::try_from(self.balance).unwrap_or(0)
    }

    /// The account at `now`. Time that was not worth a whole byte yet is kept for the next round.
    fn grown(self, share: u32, now: Timestamp, total: u64) -> Self {
        let nanos = now.as_nanos().saturating_sub(self.at.as_nanos());
        let passed = u128::try_from(nanos).unwrap_or(0) / NANOS_A_MILLI;
        let more = due(share, passed, total);
        let balance = self.balance.saturating_add(clamped(more)).min(clamped(total.into()));
        let at = if more == 0 && nanos >= 0 { self.at } else { now.plus_nanos(-unpaid(more, share, passed, total)) };
        Self { at, balance }
    }

    /// The account after so many were read.
    pub(super) fn less(self, spent: u64) -> Self {
        Self { balance: self.balance.saturating_sub(clamped(spent.into())), ..self }
    }
}

/// Bytes that come due in so many milliseconds.
fn due(share: u32, millis: u128, total: u64) -> u128 {
    (u128::from(total) * u128::from(share)).saturating_mul(millis) / (PARTS * DAY.as_millis())
}

/// The nanoseconds of `millis` in which nothing came due: what is left after `bytes` were.
fn unpaid(bytes: u128, share: u32, millis: u128, total: u64) -> i64 {
    let a_day = (u128::from(total) * u128::from(share)).max(1);
    let paid = bytes.saturating_mul(PARTS * DAY.as_millis()).div_ceil(a_day);
    clamped(millis.saturating_sub(paid).saturating_mul(NANOS_A_MILLI))
}

fn clamped(bytes: u128) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: u64 = 1_000_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_parts(hours * 3600, 0)
    }

    #[test]
    fn an_account_grows_with_time_and_pays_for_what_was_read() {
        let rate = ScrubRate::PerDay(100);
        let first = rate.account(None, at(0), TOTAL);
        assert_eq!(first.bytes(), 10_000, "a day's worth");
        let spent = first.less(15_000);
        assert_eq!(spent.bytes(), 0);
        assert_eq!(rate.account(Some(spent), at(12), TOTAL).bytes(), 0, "12 hours just pay the debt");
        assert_eq!(rate.account(Some(spent), at(36), TOTAL).bytes(), 10_000);
    }

    #[test]
    fn many_small_rounds_read_as_much_as_one_a_day() {
        let rate = ScrubRate::PerDay(100);
        let mut account = rate.account(None, at(0), TOTAL).less(10_000);
        let mut read = 0;
        for minute in 1..=24 * 60 {
            account = rate.account(Some(account), Timestamp::from_parts(minute * 60, 0), TOTAL);
            read += account.bytes();
            account = account.less(account.bytes());
        }
        assert!((9_950..=10_000).contains(&read), "{read}");
    }

    #[test]
    fn rounds_too_short_for_a_byte_add_up_all_the_same() {
        let rate = ScrubRate::PerDay(100);
        let mut account = rate.account(None, at(0), 3).less(0);
        for minute in 1..=60 * 24 * 40 {
            account = rate.account(Some(account), Timestamp::from_parts(minute * 60, 0), 3);
        }
        assert_eq!(account.bytes(), 1, "40 days of a percent of three bytes");
    }

    #[test]
    fn an_account_never_holds_more_than_everything_nor_grows_when_the_clock_goes_back() {
        let rate = ScrubRate::PerDay(10_000);
        let rich = rate.account(Some(Account { at: at(0), balance: 0 }), at(24 * 400), TOTAL);
        assert_eq!(rich.bytes(), TOTAL);
        assert_eq!(rate.account(Some(Account { at: at(5), balance: 7 }), at(0), TOTAL).balance, 7);
        assert_eq!(rate.account(None, at(0), u64::MAX).bytes(), i64::MAX.unsigned_abs());
    }

    #[test]
    fn a_budget_for_each_round_is_the_same_each_round() {
        let rate = ScrubRate::PerRound(500);
        assert_eq!(rate.account(Some(Account { at: at(0), balance: -9 }), at(1), TOTAL).bytes(), 500);
    }
}
