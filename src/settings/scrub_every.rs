//! How often a receiver reads everything again is typed: `30d`, or `off`.

use std::ffi::OsString;
use std::time::Duration;

use super::value::{Shape, Value, one_text};

/// Less would keep the disks busy with nothing else.
const LEAST: Duration = Duration::from_hours(1);

/// In which time everything is read once; nothing where it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScrubEvery(Option<Duration>);

impl ScrubEvery {
    /// The time.
    pub(crate) const fn get(self) -> Option<Duration> {
        self.0
    }
}

impl Value for ScrubEvery {
    const SHAPE: Shape = Shape::Text;
    const EXPECTED: &'static str = "a time of at least an hour such as `30d`, or `off`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["7d", "off"];

    fn read(words: &[OsString]) -> Option<Self> {
        match one_text(words)? {
            "off" => Some(Self(None)),
            text => humantime::parse_duration(text).ok().filter(|time| *time >= LEAST).map(|time| Self(Some(time))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrub_takes_an_hour_at_least_or_is_off() {
        let read = |word: &str| ScrubEvery::read(&[word.into()]).map(ScrubEvery::get);
        assert_eq!(read("30d"), Some(Some(Duration::from_hours(720))));
        assert_eq!(read("off"), Some(None));
        assert_eq!([read("59m"), read(""), read("30")], [None; 3]);
    }
}
