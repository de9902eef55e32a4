//! Durations as people type them (`30s`, `1h 30m`), each meaning a type of its own.

use std::ffi::OsString;
use std::time::Duration;

use crate::settings::value::{Shape, Value, one_text};

/// Longer spans are typing errors, and adding one to a clock must not overflow it.
const MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Reads a duration; nothing if it is none, or past ten years.
fn parse(words: &[OsString]) -> Option<Duration> {
    humantime::parse_duration(one_text(words)?).ok().filter(|duration| *duration <= MAX)
}

/// Reads a duration that is no setting: for a flag of one command.
///
/// # Errors
/// What was expected instead.
pub(crate) fn of_text(text: &str) -> Result<Duration, String> {
    parse(&[text.into()]).ok_or_else(|| "expected a duration such as `1h`, `90d` or `30m`".to_owned())
}

/// How long after the beginning of one round the next one begins; never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval(Duration);

impl Interval {
    /// The span.
    pub(crate) const fn get(self) -> Duration {
        self.0
    }
}

impl Value for Interval {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a duration longer than zero such as `30s`, `5m` or `1h 30m`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["30s", "1h 30m"];

    fn read(words: &[OsString]) -> Option<Self> {
        parse(words).filter(|duration| !duration.is_zero()).map(Self)
    }
}

/// How long a round keeps trying to reach its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RetryFor(Duration);

impl RetryFor {
    /// What holds unless something else was asked for.
    const USUAL: Duration = Duration::from_secs(30);
    /// What holds then where the very first connection is refused: nobody is listening, and a person is waiting.
    const USUAL_IF_REFUSED: Duration = Duration::from_secs(5);

    /// The patience with a receiver that answered before.
    pub(crate) const fn get(self) -> Duration {
        self.0
    }

    /// The patience where the very first connection is refused.
    pub(crate) fn if_refused(self) -> Duration {
        if self.0 == Self::USUAL { Self::USUAL_IF_REFUSED } else { self.0 }
    }
}

impl Value for RetryFor {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a duration such as `30s`, `5m` or `0s`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["0s", "2m"];

    fn read(words: &[OsString]) -> Option<Self> {
        parse(words).map(Self)
    }
}

/// How long a file must have stood still before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settle(Duration);

impl Settle {
    /// The span; zero where nothing waits.
    pub(crate) const fn get(self) -> Duration {
        self.0
    }
}

impl Value for Settle {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a duration such as `10s`, `5m` or `0s`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["10s", "5m"];

    fn read(words: &[OsString]) -> Option<Self> {
        parse(words).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Value>(word: &str) -> Option<T> {
        T::read(&[OsString::from(word)])
    }

    #[test]
    fn an_interval_is_a_span_with_a_unit_and_never_zero() {
        assert_eq!(read::<Interval>("200ms").map(Interval::get), Some(Duration::from_millis(200)));
        assert_eq!(read::<Interval>("1h 30m").map(Interval::get), Some(Duration::from_secs(5_400)));
        for bad in ["", "30", "0s", "5 parsecs", "-1s", "100000years"] {
            assert_eq!(read::<Interval>(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_refused_first_connection_is_given_up_sooner_unless_somebody_asked_for_patience() {
        let patience = |word| read::<RetryFor>(word).map(|retry| (retry.get().as_secs(), retry.if_refused().as_secs()));
        assert_eq!(patience("30s"), Some((30, 5)));
        assert_eq!(patience("10m"), Some((600, 600)));
        assert_eq!(patience("0s"), Some((0, 0)));
    }
}
