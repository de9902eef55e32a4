//! Which paths wait after a round, and for how long: what the scan and the receiver could not take.

use std::collections::BTreeMap;

use protocol::{Change, RelPath, Timestamp};
use scanner::patience::next;
use scanner::{Deferral, Finding};
use seams::known::{PostponedKind, Postponement};
use uploader::{LeftOut, Why};

/// The paths that wait after a round.
pub(super) struct Patience<'a> {
    before: &'a BTreeMap<RelPath, Postponement>,
    now: Timestamp,
    pub(super) after: BTreeMap<RelPath, Postponement>,
}

impl<'a> Patience<'a> {
    pub(super) fn new(before: &'a BTreeMap<RelPath, Postponement>, now: Timestamp) -> Self {
        Self { before, now, after: BTreeMap::new() }
    }

    /// What the scan could not take.
    pub(super) fn findings(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding {
                Finding::Deferred { path, reason: Deferral::Waiting, .. } => self.still(path),
                Finding::Deferred { path, reason: Deferral::Moving, .. } => {
                    self.tried(path, PostponedKind::Deferred, Deferral::Moving.to_string());
                }
                Finding::Deferred { path, reason, .. } => self.looked_at(path, reason.to_string()),
                Finding::Problem { path, trouble, .. } => {
                    self.tried(path, PostponedKind::Problem, trouble.to_string());
                }
                Finding::Present { .. } | Finding::Moved { .. } | Finding::Gone { .. } => {}
            }
        }
    }

    /// What the receiver did not take.
    pub(super) fn left_out(&mut self, left_out: &[LeftOut]) {
        for LeftOut { change, why } in left_out {
            if matches!(why, Why::Refused(_)) {
                self.tried(change.path(), PostponedKind::Refused, why.to_string());
            }
        }
    }

    /// What was not even tried, since the receiver refused it lately.
    pub(super) fn untried(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.still(change.path()));
    }

    fn tried(&mut self, path: &RelPath, kind: PostponedKind, reason: String) {
        let next = next(self.before.get(path), self.now, kind, reason);
        self.after.insert(path.clone(), next);
    }

    /// What was not tried at all, for no fault of its own: the next round tries it, whatever changes meanwhile.
    fn looked_at(&mut self, path: &RelPath, reason: String) {
        let next = next(self.before.get(path), self.now, PostponedKind::Deferred, reason);
        self.after.insert(path.clone(), Postponement { next_try: next.last_try, ..next });
    }

    fn still(&mut self, path: &RelPath) {
        if let Some(before) = self.before.get(path) {
            self.after.insert(path.clone(), before.clone());
        }
    }
}
