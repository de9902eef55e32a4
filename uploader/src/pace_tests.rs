//! When the next bytes may go, on a clock that nobody waits for.

use seams::memory::ManualClock;

use super::*;
use crate::rate::Span;

const MIB: u64 = 1 << 20;

fn rate(bytes: u64) -> Rate {
    Rate::new(bytes).expect("a rate")
}

fn always(bytes: u64) -> Timetable {
    Timetable { spans: Vec::new(), otherwise: Some(rate(bytes)) }
}

fn at(hour: i64, minute: i64) -> Timestamp {
    Timestamp::from_parts((100 * 24 + hour) * 3_600 + minute * 60, 0)
}

fn clock(hour: i64, minute: i64) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(at(hour, minute)))
}

fn utc(_: Timestamp) -> i32 {
    0
}

/// Sends so many bytes with nothing in the way but the pace; how long it takes.
fn send(pace: &Pace, clock: &ManualClock, bytes: usize) -> Duration {
    let (began, mut left) = (clock.since_boot(), bytes);
    while left > 0 {
        let turn = pace.turn(left);
        assert!(turn.bytes > 0 && turn.bytes <= left);
        clock.wait(turn.wait);
        left -= turn.bytes;
    }
    clock.since_boot() - began
}

#[test]
fn twenty_megabytes_at_two_mebibytes_a_second_take_between_nine_and_twelve_seconds() {
    let clock = clock(12, 0);
    let pace = Pace::new(always(2 * MIB), clock.clone(), utc);
    let took = send(&pace, &clock, 20_000_000);
    assert!((9.0..12.0).contains(&took.as_secs_f64()), "{took:?}");
}

#[test]
fn several_senders_share_one_rate() {
    let clock = clock(12, 0);
    let pace = Pace::new(always(MIB), clock.clone(), utc);
    let mut ends = [Duration::ZERO; 4];
    for _ in 0..40 {
        for end in &mut ends {
            *end = clock.since_boot() + pace.turn(usize::MAX).wait;
        }
    }
    let sent = 160 * MIB / PIECES_A_SECOND;
    let all = rate(MIB).time_for(sent);
    let last = ends.into_iter().max().expect("four") - clock.since_boot();
    assert!(last <= all && last + BURST + BURST >= all, "{last:?} of {all:?}");
}

#[test]
fn no_second_carries_more_than_its_rate_and_a_burst() {
    let clock = clock(12, 0);
    let pace = Pace::new(always(MIB), clock.clone(), utc);
    clock.wait(Duration::from_secs(3_600));
    let took = send(&pace, &clock, usize::try_from(4 * MIB).expect("small"));
    assert!(
        took >= Duration::from_secs(4) - BURST - Duration::from_secs(1) / 16,
        "an idle hour saves nothing: {took:?}"
    );
}

#[test]
fn a_sender_is_never_kept_waiting_for_seconds_between_two_pieces() {
    let clock = clock(12, 0);
    let pace = Pace::new(always(Rate::LEAST), clock.clone(), utc);
    for _ in 0..100 {
        // Two senders in turn, which is how many there are at the slowest rate.
        let turns = [pace.turn(1 << 20), pace.turn(1 << 20)];
        assert!(turns.iter().all(|turn| turn.wait < Duration::from_millis(500)), "{turns:?}");
        clock.wait(turns[1].wait);
    }
}

#[test]
fn where_nothing_limits_nobody_waits() {
    let clock = clock(12, 0);
    let pace = Pace::new(Timetable::default(), clock.clone(), utc);
    assert_eq!(send(&pace, &clock, 100_000_000), Duration::ZERO);
}

#[test]
fn the_timetable_goes_by_the_clock_on_the_wall_also_in_the_middle_of_a_body() {
    let time = |hour| crate::rate::TimeOfDay::new(hour, 0).expect("a time of the day");
    let night = Span { from: time(22), to: time(6), rate: rate(8 * MIB) };
    let timetable = Timetable { spans: vec![night], otherwise: Some(rate(MIB)) };
    let clock = clock(5, 59);
    clock.wait(Duration::from_secs(50));
    let pace = Pace::new(timetable.clone(), clock.clone(), utc);
    // 80 MiB and a burst of 2 MiB until six o'clock, the other 18 MiB after it.
    let took = send(&pace, &clock, usize::try_from(100 * MIB).expect("small"));
    assert!((27.5..28.5).contains(&took.as_secs_f64()), "{took:?}");
    let clock = Arc::new(ManualClock::new(at(20, 30)));
    let two_hours_ahead = Pace::new(timetable, clock.clone(), |_| 2 * 3_600);
    let took = send(&two_hours_ahead, &clock, usize::try_from(80 * MIB).expect("small"));
    assert!((9.0..11.0).contains(&took.as_secs_f64()), "half past ten at night there: {took:?}");
}

#[test]
fn when_summer_time_ends_the_hour_that_comes_twice_counts_twice() {
    // At 03:00 the clock on the wall goes back to 02:00: at 01:00 UTC of this made-up day.
    let offset: LocalOffset = |moment| if moment < at(1, 0) { 7_200 } else { 3_600 };
    let time = |hour, minute| crate::rate::TimeOfDay::new(hour, minute).expect("a time of the day");
    let span = Span { from: time(2, 0), to: time(3, 0), rate: rate(MIB) };
    let timetable = Timetable { spans: vec![span], otherwise: None };
    let limited = |hour, minute| Pace::new(timetable.clone(), clock(hour, minute), offset).rate().is_some();
    assert_eq!([limited(-1, 59), limited(0, 30), limited(1, 30), limited(2, 0)], [false, true, true, false]);
}
