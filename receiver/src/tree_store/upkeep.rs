//! What a client's store does by itself: forget old revisions, keep history under its ceiling, and empty `versions/` of
//! what nobody needs any more.

use std::io;
use std::sync::{Arc, MutexGuard, TryLockError};
use std::time::Duration;

use protocol::{Name, Problem};
use seams::fs::{Directory, Step};

use crate::catalog::{Discarded, Due, MirrorId, VersionId};
use crate::retention::{DUE_FOR, Retention};
use crate::tree_store::client::ClientStore;
use crate::tree_store::executor::gone_is_none;
use crate::tree_store::forgetting::{Forgetting, Going, Progress};
use crate::tree_store::problems::disk;
use crate::tree_store::rights::{open_below, open_directory, with_rights};
use crate::tree_store::staging::remove;
use crate::tree_store::step::version_name;

/// Revisions, or foreign things, that are judged in one go.
const JUDGED_AT_ONCE: u32 = 1_000;
/// Things that are removed before that is noted.
const REMOVED_AT_ONCE: u32 = 100;
/// Names of a directory that are removed before it is listed again.
const NAMES_AT_ONCE: usize = 1_000;

impl ClientStore {
    /// Forgets what is old, for as long as it may go on; unless that was looked at less than a pause ago.
    pub(super) fn retain(&self, retention: &Retention, pause: Duration, going: Going<'_>) -> Result<(), Problem> {
        let Some(_alone) = self.alone_in_upkeep() else { return Ok(()) };
        let (boot, uptime) = (self.clock.boot_id(), self.clock.since_boot());
        let Some(service) = self.catalog().time_of_service(&boot.0, uptime, pause)? else { return Ok(()) };
        let mirrors = self.catalog().mirrors()?;
        for mirror in mirrors.iter().take_while(|_| going()) {
            self.judge_revisions(mirror.id, retention, service, going)?;
            self.forget_given_up(mirror.id, going)?;
        }
        self.judge_foreign(retention, service, going)?;
        if let Some(ceiling) = retention.keep_size {
            self.keep_history_under(ceiling, going)?;
        }
        self.empty_discarded(going)
    }

    /// Before a batch sends something to the versions: makes room for it under the ceiling, as far as there is older
    /// history that can go. It never stops a batch.
    pub(super) fn make_room_in_history(&self, retention: &Retention, bytes: u64) -> Result<(), Problem> {
        let Some(ceiling) = retention.keep_size else { return Ok(()) };
        if self.catalog().history_bytes()?.saturating_add(bytes) <= ceiling {
            return Ok(());
        }
        let Some(_alone) = self.alone_in_upkeep() else { return Ok(()) };
        self.keep_history_under(ceiling.saturating_sub(bytes), &|| true)?;
        self.empty_discarded(&|| true)
    }

    /// Nobody else forgets anything meanwhile; nothing if somebody does already.
    fn alone_in_upkeep(&self) -> Option<MutexGuard<'_, ()>> {
        match self.upkeep.try_lock() {
            Ok(alone) => Some(alone),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(_)) => panic!("no holder of this lock panics"),
        }
    }

    fn judge_revisions(
        &self,
        mirror: MirrorId,
        retention: &Retention,
        service: Duration,
        going: Going<'_>,
    ) -> Result<(), Problem> {
        let (now, mut after) = (self.now(), 0);
        while going() {
            let page = self.catalog().superseded(mirror, after, JUDGED_AT_ONCE)?;
            let Some(last) = page.last() else { break };
            after = last.number;
            let verdict = |keeps, due_since| judge(keeps, due_since, service);
            let dues = page.iter().filter_map(|old| {
                Some((old.number, verdict(retention.keeps(old.committed, old.superseded, now), old.due_since)?))
            });
            let dues: Vec<(u64, Due)> = dues.collect();
            if !dues.is_empty() {
                self.catalog().set_due(mirror, &dues)?;
            }
        }
        Ok(())
    }

    fn judge_foreign(&self, retention: &Retention, service: Duration, going: Going<'_>) -> Result<(), Problem> {
        let (now, mut after) = (self.now(), VersionId(0));
        while going() {
            let page = self.catalog().foreign(after, JUDGED_AT_ONCE)?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let dues = page.iter().filter_map(|foreign| {
                let keeps = retention.keeps_foreign(foreign.kept_at, now);
                Some((foreign.id, judge(keeps, foreign.due_since, service)?))
            });
            let dues: Vec<(VersionId, Due)> = dues.collect();
            if !dues.is_empty() {
                self.catalog().set_foreign_due(&dues)?;
            }
        }
        Ok(())
    }

    /// Forgets the revisions of a mirror that are given up. What an unfinished revision still moves is left alone.
    fn forget_given_up(&self, mirror: MirrorId, going: Going<'_>) -> Result<Progress, Problem> {
        loop {
            let (gap, unfinished) = {
                let catalog = self.catalog();
                (catalog.next_gap(mirror)?, catalog.unfinished(mirror)?)
            };
            let Some(gap) = gap else { return Ok(Progress::Done) };
            if unfinished.is_some() || Forgetting::new(self, mirror, gap, going).run()? == Progress::BrokenOff {
                return Ok(Progress::BrokenOff);
            }
            self.catalog().close_gap(mirror, gap)?;
        }
    }

    /// Gives up the oldest history until the rest takes no more than this, or nothing is left that can go.
    fn keep_history_under(&self, ceiling: u64, going: Going<'_>) -> Result<(), Problem> {
        while going() && self.catalog().history_bytes()? > ceiling {
            if !self.give_up_oldest(going)? {
                break;
            }
        }
        Ok(())
    }

    /// False if there was nothing, or it could not go now.
    fn give_up_oldest(&self, going: Going<'_>) -> Result<bool, Problem> {
        let mirrors = self.catalog().mirrors()?;
        let mut oldest = None;
        for mirror in mirrors {
            let first = self.catalog().superseded(mirror.id, 0, 1)?.pop();
            let found = first.map(|first| (first.superseded, mirror.id, first.number));
            oldest = oldest.into_iter().chain(found).min();
        }
        let foreign = self.catalog().oldest_foreign()?;
        match (oldest, foreign) {
            (None, None) => Ok(false),
            (Some((superseded, ..)), Some(foreign)) if foreign.kept_at < superseded => self.give_up(foreign.id),
            (None, Some(foreign)) => self.give_up(foreign.id),
            (Some((_, mirror, number)), _) => {
                self.catalog().set_due(mirror, &[(number, Due::GivenUp)])?;
                tracing::info!(revision = number, "history takes too much: the oldest revision goes");
                Ok(self.forget_given_up(mirror, going)? == Progress::Done)
            }
        }
    }

    fn give_up(&self, foreign: VersionId) -> Result<bool, Problem> {
        self.catalog().set_foreign_due(&[(foreign, Due::GivenUp)])?;
        Ok(true)
    }

    /// Does what is noted for `versions/` until nothing is to be taken out of a version any more: rows say already that
    /// it lies elsewhere.
    pub(super) fn take_out_of_versions(&self) -> Result<(), Problem> {
        while self.catalog().are_taken_out()? {
            self.do_discarded(&|| true)?;
        }
        Ok(())
    }

    /// Removes what nobody needs any more.
    pub(super) fn empty_discarded(&self, going: Going<'_>) -> Result<(), Problem> {
        while going() && self.do_discarded(going)? {}
        Ok(())
    }

    /// Does some of what is noted; false if there was nothing, or it was broken off.
    fn do_discarded(&self, going: Going<'_>) -> Result<bool, Problem> {
        let page = self.catalog().discarded(REMOVED_AT_ONCE)?;
        let Some(last) = page.last() else { return Ok(false) };
        for discarded in &page {
            if !self.do_one(discarded, going).map_err(disk("remove old versions"))? {
                return Ok(false);
            }
        }
        self.shelves.versions.sync().map_err(disk("remove old versions"))?;
        self.catalog().discarded_until(last.id)?;
        Ok(true)
    }

    /// False if it was broken off.
    fn do_one(&self, discarded: &Discarded, going: Going<'_>) -> io::Result<bool> {
        let (versions, name) = (&self.shelves.versions, version_name(discarded.version));
        let (directory, name) = match discarded.path.split_last() {
            None => (Arc::clone(versions), name),
            Some((above, last)) => {
                let opened = open_directory(&**versions, &name).and_then(|whole| open_below(&whole, &above));
                let Some(directory) = gone_is_none(opened)? else { return Ok(true) };
                (directory, last)
            }
        };
        let Some(becomes) = discarded.becomes else { return remove_all(&*directory, &name, going) };
        let taken_out = with_rights(&*directory, || directory.rename(&name, &**versions, &version_name(becomes)));
        gone_is_none(taken_out).map(|_| true)
    }
}

/// What becomes of something: it goes when it was due for long enough, at every look.
fn judge(keeps: bool, due_since: Option<Duration>, service: Duration) -> Option<Due> {
    match (keeps, due_since) {
        (true, None) => None,
        (true, Some(_)) => Some(Due::Not),
        (false, None) => Some(Due::Since(service)),
        (false, Some(since)) => (service.saturating_sub(since) >= DUE_FOR).then_some(Due::GivenUp),
    }
}

/// Removes something and all that is in it; false if it was broken off.
pub(crate) fn remove_all(directory: &dyn Directory, name: &Name, going: Going<'_>) -> io::Result<bool> {
    match with_rights(directory, || remove(directory, name)) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
        removed => return removed.map(|()| true),
    }
    let below = open_directory(directory, name)?;
    loop {
        let names = some_names(&*below)?;
        if names.is_empty() {
            return remove(directory, name).map(|()| true);
        }
        for name in names {
            if !going() || !remove_all(&*below, &name, going)? {
                return Ok(false);
            }
        }
    }
}

/// Some names in a directory, which may have more than memory should hold.
fn some_names(directory: &dyn Directory) -> io::Result<Vec<Name>> {
    let mut names = Vec::new();
    let mut walk = directory.walk();
    while names.len() < NAMES_AT_ONCE {
        match walk.next_step() {
            None => break,
            Some(Step::Incomplete { error, .. }) => return Err(error),
            Some(Step::Name { name, descends, .. }) => {
                if descends {
                    walk.skip_directory();
                }
                names.push(name);
            }
        }
    }
    Ok(names)
}
