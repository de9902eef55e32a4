//! What is kept, for any history, any clock and any span.

use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;

const HOUR: i64 = 60 * 60;
const A_DAY: i64 = 24 * HOUR;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_parts(seconds, 0)
}

fn days(days: u64) -> Retention {
    Retention { keep: Some(DAY.saturating_mul(u32::try_from(days).expect("few"))), keep_size: None }
}

/// Revisions that follow each other within seconds, hours or months.
fn histories() -> impl Strategy<Value = Vec<Committed>> {
    let gap = prop_oneof![0..60i64, 0..10 * HOUR, 0..60 * A_DAY];
    proptest::collection::vec(gap, 1..120).prop_map(|gaps| {
        let mut seconds = 1_700_000_000;
        (0u64..)
            .zip(gaps)
            .map(|(number, gap)| {
                seconds += gap;
                (number, at(seconds))
            })
            .collect()
    })
}

fn keeps() -> impl Strategy<Value = Retention> {
    proptest::option::of(0..2_000u64).prop_map(|keep| keep.map_or(Retention::FOR_EVER, days))
}

fn later(history: &[Committed], by: i64) -> Timestamp {
    history.last().expect("not empty").1.plus_nanos(by * 1_000_000_000)
}

proptest! {
    #[test]
    fn the_head_is_always_kept_whatever_the_clock_says(
        history in histories(), keep in keeps(), now in any::<i64>(),
    ) {
        let head = history.last().expect("not empty").0;
        prop_assert!(keep.kept(&history, Timestamp::from_nanos(now)).contains(&head));
    }

    #[test]
    fn what_went_once_is_never_asked_for_again(
        history in histories(), keep in keeps(), first in 0..900 * A_DAY, then in 0..900 * A_DAY,
    ) {
        let (soon, late) = (later(&history, first), later(&history, first + then));
        let (earlier, afterwards) = (keep.kept(&history, soon), keep.kept(&history, late));
        prop_assert!(afterwards.is_subset(&earlier), "{:?}", afterwards.difference(&earlier));
    }

    #[test]
    fn more_revisions_later_take_nothing_of_the_others_away_but_the_old_head(
        history in histories(), keep in keeps(), more in 1..40usize, wait in 0..90 * A_DAY,
    ) {
        let fewer = &history[..history.len().saturating_sub(more).max(1)];
        let now = later(&history, wait);
        let (few, all) = (keep.kept(fewer, now), keep.kept(&history, now));
        let old_head = fewer.last().expect("not empty").0;
        for (number, _) in fewer.iter().filter(|(number, _)| *number != old_head) {
            prop_assert_eq!(few.contains(number), all.contains(number));
        }
    }

    #[test]
    fn whatever_was_the_head_in_the_last_day_is_kept(history in histories(), kept_days in 1..100u64, wait in 0..A_DAY) {
        let now = later(&history, wait);
        let kept = days(kept_days).kept(&history, now);
        for pair in history.windows(2) {
            let age = now.as_nanos() - pair[1].1.as_nanos();
            if age < A_DAY * 1_000_000_000 {
                prop_assert!(kept.contains(&pair[0].0));
            }
        }
    }

    #[test]
    fn each_day_of_the_span_begins_with_a_revision_that_is_kept(history in histories(), wait in 0..40 * A_DAY) {
        let now = later(&history, wait);
        let kept = days(30).kept(&history, now);
        let today = now.to_parts().0.div_euclid(A_DAY);
        for midnight in (0..29).map(|back| at((today - back) * A_DAY)) {
            let head_then = history.iter().rev().find(|(_, committed)| *committed <= midnight);
            if let Some((number, _)) = head_then {
                prop_assert!(kept.contains(number), "the head of {midnight:?}");
            }
        }
    }

    #[test]
    fn a_span_ends(history in histories(), kept_days in 0..100u64) {
        let keep = days(kept_days);
        let long_after = later(&history, (i64::try_from(kept_days).expect("few") + 1) * A_DAY);
        prop_assert_eq!(keep.kept(&history, long_after).len(), 1);
    }

    #[test]
    fn a_year_of_minutes_leaves_a_bounded_number(offset in 0..A_DAY) {
        let start = 1_700_000_000 + offset;
        let history: Vec<Committed> = (0u64..).zip((0..400 * A_DAY).step_by(900)).map(|(n, s)| (n, at(start + s))).collect();
        let kept = days(3_650).kept(&history, later(&history, 0));
        prop_assert!(kept.len() <= 97 + 31 + 53 + 3, "{}", kept.len());
    }
}

#[test]
fn what_was_deleted_today_is_kept_however_old_it_is() {
    let history = [(1, at(0)), (2, at(1_700_000_000))];
    assert!(days(30).kept(&history, at(1_700_000_000 + 29 * A_DAY)).contains(&1));
    assert!(!days(30).kept(&history, at(1_700_000_000 + 30 * A_DAY)).contains(&1));
}

#[test]
fn distances_grow_by_multiples() {
    let mut distances: Vec<Duration> = STEPS.iter().map(|(_, apart)| *apart).collect();
    distances.push(LAST_STEP);
    assert!(distances.windows(2).all(|pair| pair[1].as_nanos() % pair[0].as_nanos() == 0));
}

#[test]
fn a_client_may_have_a_span_or_a_size_of_its_own() {
    let name = |text| ClientName::parse(text).expect("a valid name");
    let retentions = Retentions {
        usual: Retention { keep: Some(DAY), keep_size: Some(5) },
        keep_of: BTreeMap::from([(name("a"), None)]),
        keep_size_of: BTreeMap::from([(name("b"), Some(7))]),
    };
    assert_eq!(retentions.of(&name("a")), Retention { keep: None, keep_size: Some(5) });
    assert_eq!(retentions.of(&name("b")), Retention { keep: Some(DAY), keep_size: Some(7) });
    assert_eq!(retentions.of(&name("c")), retentions.usual);
}
