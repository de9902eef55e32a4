//! Which paths wait for a later round, and how long.
//!
//! A file that keeps moving is tried again with growing patience, and at once when it has stood still. A file that was
//! changed a moment ago may wait until it has settled.

use std::time::Duration;

use protocol::Timestamp;
use seams::fs::Stat;
use seams::known::{PostponedKind, Postponement};

/// How long a path waits after the first try.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// How long it waits at most.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);
/// After so many tries the wait does not grow any more: 1 min * 2^6 is over an hour.
const MOST_DOUBLINGS: u32 = 6;

/// What is known of a path after one more try that failed: it waits 1 min * 2^(tries - 1), at most 1 h. Another kind
/// of trouble than before begins anew; a problem is tried in every round.
///
/// Only for what was tried: a file that was left alone because it waits keeps the postponement that it has.
#[must_use]
pub fn next(previous: Option<&Postponement>, now: Timestamp, kind: PostponedKind, reason: String) -> Postponement {
    let previous = previous.filter(|previous| previous.kind == kind);
    let tries = previous.map_or(0, |previous| previous.tries).saturating_add(1);
    let since = previous.map_or(now, |previous| previous.since);
    let wait = match kind {
        PostponedKind::Problem => Duration::ZERO,
        PostponedKind::Deferred | PostponedKind::Refused => wait_after(tries),
    };
    Postponement { kind, reason, since, tries, last_try: now, next_try: later(now, wait) }
}

/// Whether a postponed file with this stat is left alone at `now`. It is not where it has stood still, since the last
/// try or for as long as the first wait, nor where the clock was set back behind the last try.
#[must_use]
pub fn is_waiting(postponement: &Postponement, stat: &Stat, now: Timestamp) -> bool {
    let Postponement { last_try, next_try, .. } = *postponement;
    let changed = stat.ctime.max(stat.mtime);
    let stood_still = changed < last_try || later(changed, FIRST_WAIT) <= now;
    (last_try..next_try).contains(&now) && !stood_still
}

/// Whether something last changed at `changed` has not settled yet. A stamp in the future counts the same, but for one
/// so far off that a wrong clock made it: nobody waits for that.
pub(crate) fn is_young(changed: Timestamp, now: Timestamp, settle: Duration) -> bool {
    let between = i128::from(now.as_nanos()) - i128::from(changed.as_nanos());
    between.unsigned_abs() < settle.as_nanos()
}

fn wait_after(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(MOST_DOUBLINGS);
    (FIRST_WAIT * 2_u32.pow(doublings)).min(LONGEST_WAIT)
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.plus_nanos(i64::try_from(wait.as_nanos()).expect("an hour in nanoseconds fits"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seams::fs::FileKind;

    use super::*;

    const MINUTE: i64 = 60;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    fn changed_at(seconds: i64) -> Stat {
        let (mtime, ctime) = (at(seconds), at(seconds));
        Stat { kind: FileKind::File, mode: 0o644, size: 3, mtime, ctime, inode: 7, device: 1, links: 1, uid: 0, gid: 0 }
    }

    fn tried(previous: Option<&Postponement>, seconds: i64) -> Postponement {
        next(previous, at(seconds), PostponedKind::Deferred, "it changes".to_owned())
    }

    #[test]
    fn patience_doubles_from_a_minute_to_an_hour() {
        let mut postponed = tried(None, 0);
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(postponed.next_try, at(minutes * MINUTE), "after {} tries", postponed.tries);
            postponed = tried(Some(&postponed), 0);
        }
    }

    #[test]
    fn another_kind_of_trouble_begins_anew_and_the_first_time_is_kept_of_the_same() {
        let twice = tried(Some(&tried(None, 5)), 100);
        assert_eq!((twice.since, twice.tries, twice.last_try), (at(5), 2, at(100)));
        let refused = next(Some(&twice), at(200), PostponedKind::Refused, "no room".to_owned());
        assert_eq!((refused.since, refused.tries), (at(200), 1));
    }

    #[test]
    fn a_problem_is_tried_in_every_round() {
        let problem = next(None, at(9), PostponedKind::Problem, "no rights".to_owned());
        assert!(!is_waiting(&problem, &changed_at(9), at(9)));
    }

    #[test]
    fn a_file_that_changed_since_it_was_tried_waits_and_one_that_stood_still_does_not() {
        let postponed = tried(None, 100);
        assert!(is_waiting(&postponed, &changed_at(100), at(130)), "changed at the very try");
        assert!(is_waiting(&postponed, &Stat { mtime: at(1), ..changed_at(120) }, at(130)), "its mtime was set back");
        assert!(!is_waiting(&postponed, &changed_at(99), at(130)), "it stood still");
        assert!(!is_waiting(&postponed, &changed_at(120), at(160)), "its time has come");
        assert!(!is_waiting(&postponed, &changed_at(120), at(50)), "the clock was set back");
        let often = Postponement { next_try: at(3_600), ..postponed };
        assert!(is_waiting(&often, &changed_at(120), at(179)), "it may still move");
        assert!(!is_waiting(&often, &changed_at(120), at(180)), "it changed after the try, and stood still since");
    }

    #[test]
    fn a_file_is_young_until_it_has_settled_and_not_for_ever_by_a_wrong_clock() {
        let settle = Duration::from_secs(5);
        assert!(is_young(at(96), at(100), settle));
        assert!(!is_young(at(95), at(100), settle));
        assert!(is_young(at(104), at(100), settle));
        assert!(!is_young(at(105), at(100), settle));
        assert!(!is_young(at(100), at(100), Duration::ZERO));
    }

    proptest! {
        #[test]
        fn a_wait_ends_within_an_hour_whatever_the_stamps(tries in any::<u32>(), changed in any::<i64>()) {
            let before = Postponement { tries, ..tried(None, 0) };
            let postponed = tried(Some(&before), 0);
            let stat = Stat { ctime: Timestamp::from_nanos(changed), ..changed_at(0) };
            prop_assert!(!is_waiting(&postponed, &stat, at(60 * MINUTE)));
        }
    }
}
