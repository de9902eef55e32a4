//! Moments as people and programs read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::Timestamp;
use serde::{Serialize, Serializer};

/// The units of a rough span, the longest first, in seconds.
const UNITS: [(u64, &str); 5] =
    [(365 * 86_400, "year"), (86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];

/// A moment by the clock, to the second, as RFC 3339 in UTC. Before 1970 it is 1970: no round was made then.
pub(crate) fn exact(moment: Timestamp) -> String {
    let nanos = u64::try_from(moment.as_nanos()).unwrap_or(0);
    let time: SystemTime = UNIX_EPOCH + Duration::from_nanos(nanos);
    humantime::format_rfc3339_seconds(time).to_string()
}

/// A moment so much later; the last there is where there is none.
pub(crate) fn later(moment: Timestamp, span: Duration) -> Timestamp {
    Timestamp::from_nanos(moment.as_nanos().saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
}

/// How many seconds the clock on the wall is ahead of UTC at a moment, by the time zone of this machine. Where that
/// cannot be told the clock shows UTC.
pub(crate) fn local_offset(moment: Timestamp) -> i32 {
    let nanos = i128::from(moment.as_nanos());
    let moment = jiff::Timestamp::from_nanosecond(nanos).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::TimeZone::system().to_offset(moment).seconds()
}

/// A moment by the clock on the wall, to the second, as `--at` takes it.
pub(crate) fn local(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_nanosecond(i128::from(moment.as_nanos())).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A file's time, to the nanosecond. Files may well be older than 1970.
pub(crate) fn precise(moment: Timestamp) -> String {
    match u64::try_from(moment.as_nanos()) {
        Ok(nanos) => humantime::format_rfc3339_nanos(UNIX_EPOCH + Duration::from_nanos(nanos)).to_string(),
        Err(_) => format!("{} ns before 1970", moment.as_nanos().unsigned_abs()),
    }
}

/// A moment as people think of it, and exactly: `3 minutes ago (2026-01-02T03:04:05Z)`.
pub(crate) fn told(moment: Timestamp, now: Timestamp) -> String {
    let nanos = i128::from(now.as_nanos()) - i128::from(moment.as_nanos());
    let seconds = u64::try_from(nanos.unsigned_abs() / 1_000_000_000).unwrap_or(u64::MAX);
    let rough = match (seconds, nanos > 0) {
        (0, _) => "just now".to_owned(),
        (_, true) => format!("{} ago", span(seconds)),
        (_, false) => format!("in {}", span(seconds)),
    };
    format!("{rough} ({})", exact(moment))
}

/// A moment that programs read as RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Moment {
    /// As people read it: [`told`].
    pub(crate) fn told(self, now: Timestamp) -> String {
        told(self.0, now)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&exact(self.0))
    }
}

/// A span in its longest whole unit.
fn span(seconds: u64) -> String {
    let (length, unit) = UNITS.into_iter().find(|(length, _)| seconds >= *length).unwrap_or((1, "second"));
    let count = seconds / length;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_its_longest_unit_and_exactly() {
        let now = Timestamp::from_parts(1_767_323_045, 5);
        let told = |seconds: i64| told(Timestamp::from_parts(1_767_323_045 + seconds, 0), now);
        assert_eq!(told(0), "just now (2026-01-02T03:04:05Z)");
        assert_eq!(told(-1), "1 second ago (2026-01-02T03:04:04Z)");
        assert_eq!(told(-200), "3 minutes ago (2026-01-02T03:00:45Z)");
        assert_eq!(told(-7_200), "2 hours ago (2026-01-02T01:04:05Z)");
        assert_eq!(told(-400 * 86_400), "1 year ago (2024-11-28T03:04:05Z)");
        assert_eq!(told(121), "in 2 minutes (2026-01-02T03:06:06Z)");
    }

    #[test]
    fn a_clock_that_was_far_off_is_told_all_the_same() {
        assert_eq!(exact(Timestamp::from_nanos(i64::MIN)), "1970-01-01T00:00:00Z");
        assert_eq!(precise(Timestamp::from_nanos(-5)), "5 ns before 1970");
        assert_eq!(precise(Timestamp::from_nanos(1_000_000_005)), "1970-01-01T00:00:01.000000005Z");
        assert!(told(Timestamp::from_nanos(i64::MIN), Timestamp::from_nanos(i64::MAX)).starts_with("584 years ago"));
    }
}
