//! How a [`Timetable`] of rates is typed: `10MiB`, or `08:00-18:00 2MiB` for a part of the day.

use std::ffi::OsString;

use uploader::{Rate, Span, TimeOfDay, Timetable};

use super::sizes::bytes;
use super::value::{Shape, Value};

/// Most spans in one timetable: one for each half hour.
const MAX_SPANS: usize = 48;

impl Value for Timetable {
    const SHAPE: Shape = Shape::Timetable;
    const EXPECTED: &'static str =
        "bytes a second of at least 16KiB such as `10MiB`, `08:00-18:00 2MiB` for a part of the day, or `off`";
    #[cfg(test)]
    const SAMPLES: [&'static str; 2] = ["10MiB", "22:00-06:00 500KB"];

    fn read(words: &[OsString]) -> Option<Self> {
        let mut timetable = Self::default();
        let mut said = false;
        for word in words {
            let word = word.to_str()?.trim();
            match word.split_once(' ') {
                Some((times, rate)) => timetable.spans.push(span(times, rate.trim_start())?),
                // How fast at all other times is said once.
                None if said => return None,
                None => {
                    said = true;
                    timetable.otherwise = otherwise(word)?;
                }
            }
        }
        (timetable.spans.len() <= MAX_SPANS).then_some(timetable)
    }
}

/// The rate of a whole day; `off` is none.
fn otherwise(word: &str) -> Option<Option<Rate>> {
    if word == "off" { Some(None) } else { rate(word).map(Some) }
}

fn rate(word: &str) -> Option<Rate> {
    Rate::new(bytes(word.strip_suffix("/s").unwrap_or(word))?)
}

fn span(times: &str, rate: &str) -> Option<Span> {
    let (from, to) = times.split_once('-')?;
    Some(Span { from: time(from)?, to: time(to)?, rate: self::rate(rate)? })
}

/// A time of the day, such as `08:00`; `24:00` is midnight.
fn time(text: &str) -> Option<TimeOfDay> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
        plain.then(|| digits.parse::<u16>().ok()).flatten()
    };
    match (number(hour)?, number(minute)?) {
        (24, 0) => TimeOfDay::new(0, 0),
        (hour, minute) => TimeOfDay::new(hour, minute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Option<Timetable> {
        Timetable::read(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn at(timetable: &Timetable, hour: u16) -> Option<u64> {
        timetable.at(TimeOfDay::new(hour, 0).expect("a time of the day")).map(Rate::bytes)
    }

    #[test]
    fn a_rate_is_bytes_a_second_with_a_unit() {
        for (word, expected) in [("10MiB", 10 << 20), ("10MiB/s", 10 << 20), ("2000000", 2_000_000)] {
            assert_eq!(read(&[word]).map(|timetable| at(&timetable, 3)), Some(Some(expected)), "{word}");
        }
        assert_eq!(read(&["off"]), Some(Timetable::default()));
        assert_eq!(read(&[]), Some(Timetable::default()));
    }

    #[test]
    fn a_timetable_is_parts_of_the_day_and_one_rate_for_the_rest() {
        let timetable = read(&["08:00-18:00 2MiB", "22:00-24:00 20MiB", "10MiB"]).expect("a timetable");
        let rates = [7, 8, 17, 18, 22, 23, 0].map(|hour| at(&timetable, hour).expect("is limited") >> 20);
        assert_eq!(rates, [10, 2, 2, 10, 20, 20, 10]);
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        let bad = ["", "10", "15KiB", "fast", "8:00-18:00 2MiB", "08:00 2MiB", "08:00-24:01 2MiB", "08:00-18:00 off"];
        for word in bad {
            assert_eq!(read(&[word]), None, "{word}");
        }
        assert_eq!(read(&["1MiB", "2MiB"]), None, "two for the rest of the day");
        assert_eq!(read(&["08:00-18:00 2MiB"; MAX_SPANS + 1]), None);
    }
}
