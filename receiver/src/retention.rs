//! [`Retention`]: which revisions of a mirror are kept. Pure.
//!
//! A revision is old by the time since which it is not the head any more: what was deleted yesterday was deleted
//! yesterday, however long it had been there. The older, the fewer are kept: those that were the head when a day,
//! a week, four weeks began. Each step's moments are among those of the step before it, so what was kept once is
//! thinned further, and never asked for again after it went.

use std::collections::BTreeMap;
#[cfg(test)]
use std::collections::BTreeSet;
use std::time::Duration;

use protocol::{ClientName, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Revisions that were the head in the last so long are all kept.
const ALL_FOR: Duration = DAY;
/// For each age up to which revisions are kept so far apart. Each distance is a multiple of the one before it.
const STEPS: [(Duration, Duration); 2] =
    [(DAY.saturating_mul(30), DAY), (DAY.saturating_mul(52 * 7), DAY.saturating_mul(7))];
/// How far apart what is older than all that is kept.
const LAST_STEP: Duration = DAY.saturating_mul(28);

/// What is due goes only when it is due again so much later, by a clock that nobody can set.
pub(crate) const DUE_FOR: Duration = DAY;

/// How long history is kept, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long a revision is kept after it ceased to be the head; nothing for ever.
    pub keep: Option<Duration>,
    /// How many bytes old versions of a client may take; nothing for any.
    pub keep_size: Option<u64>,
}

/// What a batch does that sends more to the history than its ceiling leaves room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtCeiling {
    /// It is taken, and the oldest history goes.
    GiveUpOldest,
    /// It is refused: whoever sends it may not make history go.
    Refuse,
}

/// What holds for the clients of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retentions {
    /// For all that have none of their own.
    pub usual: Retention,
    /// How long, for some clients.
    pub keep_of: BTreeMap<ClientName, Option<Duration>>,
    /// How much, for some clients.
    pub keep_size_of: BTreeMap<ClientName, Option<u64>>,
}

/// What a receiver keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// How much history; nothing if it forgets none.
    pub history: Option<Retentions>,
    /// Bytes that stay free on the disk, for the catalog and for whoever else writes there; less on small disks.
    pub min_free: u64,
}

impl Keeping {
    /// How much stays free unless somebody says otherwise.
    pub const USUAL_MIN_FREE: u64 = 64 * 1024 * 1024;
}

impl Default for Keeping {
    fn default() -> Self {
        Self { history: None, min_free: Self::USUAL_MIN_FREE }
    }
}

/// A revision: its number and when it was committed.
#[cfg(test)]
pub(crate) type Committed = (u64, Timestamp);

impl Retention {
    /// How long history is kept unless somebody says otherwise.
    pub const USUAL_KEEP: Duration = DAY.saturating_mul(30);

    /// Keeps everything.
    pub const FOR_EVER: Self = Self { keep: None, keep_size: None };

    /// Whether a revision is kept that was the head from one moment until another.
    #[must_use]
    pub fn keeps(&self, committed: Timestamp, superseded: Timestamp, now: Timestamp) -> bool {
        let age = i128::from(now.as_nanos()) - i128::from(superseded.as_nanos());
        if self.keep.is_some_and(|keep| age >= nanos(keep)) {
            return false;
        }
        age < nanos(ALL_FOR) || was_head_at_a_multiple_of(step_of(age), committed, superseded)
    }

    /// Whether something that is no part of any revision is kept.
    #[must_use]
    pub fn keeps_foreign(&self, kept_since: Timestamp, now: Timestamp) -> bool {
        let age = i128::from(now.as_nanos()) - i128::from(kept_since.as_nanos());
        self.keep.is_none_or(|keep| age < nanos(keep))
    }

    /// Which of a mirror's revisions are kept, all at once, as tests ask; in the order of their numbers, the head last. The head always is.
    #[cfg(test)]
    pub(crate) fn kept(&self, revisions: &[Committed], now: Timestamp) -> BTreeSet<u64> {
        let superseded = revisions.windows(2).filter(|pair| self.keeps(pair[0].1, pair[1].1, now));
        superseded.map(|pair| pair[0].0).chain(revisions.last().map(|head| head.0)).collect()
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { keep: Some(Self::USUAL_KEEP), keep_size: None }
    }
}

impl Retentions {
    /// What holds for one client.
    #[must_use]
    pub fn of(&self, client: &ClientName) -> Retention {
        Retention {
            keep: self.keep_of.get(client).copied().unwrap_or(self.usual.keep),
            keep_size: self.keep_size_of.get(client).copied().unwrap_or(self.usual.keep_size),
        }
    }
}

fn step_of(age: i128) -> Duration {
    let step = STEPS.iter().find(|(up_to, _)| age < nanos(*up_to));
    step.map_or(LAST_STEP, |(_, apart)| *apart)
}

/// Whether a day (or several, counted from 1970) began in a span that includes its beginning and not its end.
fn was_head_at_a_multiple_of(step: Duration, from: Timestamp, until: Timestamp) -> bool {
    let (from, until, step) = (i128::from(from.as_nanos()), i128::from(until.as_nanos()), nanos(step));
    let last_before = (until - 1).div_euclid(step) * step;
    last_before >= from
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
#[path = "retention_tests.rs"]
mod tests;
