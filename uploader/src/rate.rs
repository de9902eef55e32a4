//! [`Rate`] and [`Timetable`]: how fast contents may travel, and at what times of the day. Pure.

use std::time::Duration;

/// Bytes in a second, both ways of HTTP's bodies and heads that the client sends. Never under [`Rate::LEAST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

impl Rate {
    /// Slower ones would make a receiver believe that the client is gone.
    pub const LEAST: u64 = 16 * 1024;

    /// So many bytes in a second; nothing under [`Self::LEAST`].
    #[must_use]
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes < Self::LEAST { None } else { Some(Self(bytes)) }
    }

    /// Bytes in a second.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// How long so many bytes take.
    #[must_use]
    pub fn time_for(self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A time of the day by the clock on the wall, to the minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// An hour from 0 to 23 and a minute from 0 to 59.
    #[must_use]
    pub fn new(hour: u16, minute: u16) -> Option<Self> {
        (hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }

    /// So many seconds after midnight; days repeat.
    #[must_use]
    pub fn of_second(second: i64) -> Self {
        Self(u16::try_from(second.rem_euclid(24 * 60 * 60) / 60).expect("a day has 1,440 minutes"))
    }
}

/// A rate from one time of the day to another, every day. It wraps around midnight where it ends before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first minute.
    pub from: TimeOfDay,
    /// The first minute after it; the same as `from` means the whole day.
    pub to: TimeOfDay,
    /// How fast then.
    pub rate: Rate,
}

impl Span {
    fn contains(&self, time: TimeOfDay) -> bool {
        if self.from < self.to { (self.from..self.to).contains(&time) } else { time >= self.from || time < self.to }
    }
}

/// How fast contents may travel at each time of the day. It goes by the clock on the wall alone: an hour that comes twice
/// when summer time ends counts twice, one that is left out not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Timetable {
    /// Where spans overlap, the first holds.
    pub spans: Vec<Span>,
    /// At all other times; nothing where nothing limits.
    pub otherwise: Option<Rate>,
}

impl Timetable {
    /// The rate at a time of the day; nothing where nothing limits.
    #[must_use]
    pub fn at(&self, time: TimeOfDay) -> Option<Rate> {
        self.spans.iter().find(|span| span.contains(time)).map(|span| span.rate).or(self.otherwise)
    }

    /// The slowest rate of the day; nothing where nothing ever limits.
    #[must_use]
    pub fn slowest(&self) -> Option<Rate> {
        self.spans.iter().map(|span| span.rate).chain(self.otherwise).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Rate = Rate(2 << 20);
    const NIGHT: Rate = Rate(50 << 20);
    const USUAL: Rate = Rate(10 << 20);

    fn time(hour: u16, minute: u16) -> TimeOfDay {
        TimeOfDay::new(hour, minute).expect("a time of the day")
    }

    fn timetable() -> Timetable {
        let office = Span { from: time(8, 0), to: time(18, 0), rate: SLOW };
        let night = Span { from: time(22, 30), to: time(6, 0), rate: NIGHT };
        Timetable { spans: vec![office, night], otherwise: Some(USUAL) }
    }

    #[test]
    fn a_span_holds_from_its_first_minute_to_the_one_before_its_end() {
        let at = |hour, minute| timetable().at(time(hour, minute));
        assert_eq!([at(7, 59), at(8, 0), at(17, 59), at(18, 0)], [USUAL, SLOW, SLOW, USUAL].map(Some));
    }

    #[test]
    fn a_span_that_ends_before_it_begins_goes_around_midnight() {
        let at = |hour, minute| timetable().at(time(hour, minute));
        let expected = [USUAL, NIGHT, NIGHT, NIGHT, NIGHT, USUAL].map(Some);
        assert_eq!([at(22, 29), at(22, 30), at(23, 59), at(0, 0), at(5, 59), at(6, 0)], expected);
    }

    #[test]
    fn one_that_begins_where_it_ends_is_the_whole_day_and_the_first_of_several_holds() {
        let all_day = Span { from: time(8, 0), to: time(8, 0), rate: SLOW };
        let spans = vec![all_day, Span { rate: NIGHT, ..all_day }];
        let timetable = Timetable { spans, otherwise: None };
        assert!((0..24).all(|hour| timetable.at(time(hour, 0)) == Some(SLOW)));
        assert_eq!(timetable.slowest(), Some(SLOW));
        assert_eq!(Timetable::default().at(time(0, 0)), None);
    }

    #[test]
    fn times_of_the_day_are_told_from_seconds_of_any_day() {
        assert_eq!(TimeOfDay::of_second(0), time(0, 0));
        assert_eq!(TimeOfDay::of_second(24 * 60 * 60 - 1), time(23, 59));
        assert_eq!(TimeOfDay::of_second(-1), time(23, 59), "before 1970");
        assert_eq!(TimeOfDay::of_second(40 * 24 * 60 * 60 + 61), time(0, 1));
        assert_eq!((TimeOfDay::new(24, 0), TimeOfDay::new(0, 60)), (None, None));
    }

    #[test]
    fn what_is_slower_than_a_receiver_bears_is_no_rate() {
        assert_eq!(Rate::new(Rate::LEAST - 1), None);
        assert_eq!(Rate::new(1 << 20).map(|rate| rate.time_for(3 << 19)), Some(Duration::from_millis(1_500)));
        assert_eq!(USUAL.time_for(u64::MAX), Duration::from_nanos(u64::MAX), "centuries, without a panic");
    }
}
