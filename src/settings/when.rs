//! [`When`]: as of when something is restored; and [`RoundName`]: how a person names a round.

use std::ffi::OsString;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use protocol::Timestamp;

use super::value::{Shape, Value, one_text};

/// What was typed to the second means all of it: `history` shows no more.
const REST_OF_SECOND: i64 = 999_999_999;

/// A point in a mirror's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// A revision, by its number.
    Revision(u64),
    /// The last revision by then.
    Moment(Timestamp),
    /// The last revision so long ago.
    Ago(Duration),
}

impl When {
    /// The moment that is meant now; nothing where a revision is.
    pub(crate) fn moment(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Revision(_) => None,
            Self::Moment(moment) => Some(moment),
            Self::Ago(span) => Some(now.plus_nanos(-i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))),
        }
    }
}

impl Value for When {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str =
        "a revision's number, a time such as `2026-11-01 12:00` or `2026-11-01T12:00:00Z`, or how long ago: `2d`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["17", "2d"];

    fn read(words: &[OsString]) -> Option<Self> {
        let text = one_text(words)?.trim();
        if let Ok(number) = text.parse() {
            return Some(Self::Revision(number));
        }
        if let Ok(ago) = humantime::parse_duration(text) {
            return Some(Self::Ago(ago));
        }
        let moment = text.parse().or_else(|_| {
            let local: DateTime = text.parse()?;
            Ok::<_, jiff::Error>(local.to_zoned(TimeZone::system())?.timestamp())
        });
        moment.ok().and_then(whole_second).map(Self::Moment)
    }
}

fn whole_second(moment: jiff::Timestamp) -> Option<Timestamp> {
    let moment = Timestamp::from_nanos(i64::try_from(moment.as_nanosecond()).ok()?);
    Some(if moment.to_parts().1 == 0 { moment.plus_nanos(REST_OF_SECOND) } else { moment })
}

/// A round as a person names it: the beginning of its id, or the number of one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoundName(String);

impl RoundName {
    /// The number it may be.
    pub(crate) fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// What was typed, in lower case.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Value for RoundName {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str =
        "the beginning of a round's id, or a revision's number, as `roundsman history` shows them";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["4f1c", "17"];

    fn read(words: &[OsString]) -> Option<Self> {
        let text = one_text(words)?;
        let is_digits = (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digits.then(|| Self(text.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str) -> Option<When> {
        When::read(&[OsString::from(word)])
    }

    #[test]
    fn a_point_in_the_past_is_a_number_a_time_or_a_span() {
        assert_eq!(read("17"), Some(When::Revision(17)));
        assert_eq!(read("2d"), Some(When::Ago(Duration::from_secs(172_800))));
        let moment = |seconds, nanos| Some(When::Moment(Timestamp::from_parts(seconds, nanos)));
        assert_eq!(read("1970-01-02T00:00:00Z"), moment(86_400, 999_999_999), "the whole second is meant");
        assert_eq!(read("1970-01-02T01:00:00.5+01:00"), moment(86_400, 500_000_000));
        for bad in ["", "yesterday", "-1", "12:00", "2026-13-01", "2026-11-01 25:00"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_time_without_a_zone_is_that_of_the_clock_on_the_wall() {
        for word in ["2026-11-01 12:00", "2026-11-01 12:00:00", "2026-11-01T12:00"] {
            let Some(When::Moment(moment)) = read(word) else { panic!("{word} is a time") };
            assert_eq!(crate::moments::local(moment), "2026-11-01 12:00:00", "{word}");
        }
        let Some(When::Moment(day)) = read("2026-11-01") else { panic!("is a time") };
        assert_eq!(crate::moments::local(day), "2026-11-01 00:00:00");
    }

    #[test]
    fn a_span_counts_from_now() {
        let now = Timestamp::from_parts(100, 0);
        assert_eq!(When::Ago(Duration::from_secs(40)).moment(now), Some(Timestamp::from_parts(60, 0)));
        assert_eq!(When::Revision(3).moment(now), None);
    }

    #[test]
    fn a_round_is_named_by_hexadecimal_digits() {
        let name = |word: &str| RoundName::read(&[OsString::from(word)]);
        assert_eq!(name("4F1c").expect("digits").as_str(), "4f1c");
        assert_eq!(name("17").expect("digits").number(), Some(17));
        assert!(["", "xyz", &"0".repeat(33)].iter().all(|bad| name(bad).is_none()));
    }
}
