//! One round, told top to bottom: open, make contact, scan, plan, guard, deliver.
//!
//! Everything it touches comes in through seams, so that the same round runs against a simulated world. No rule is
//! decided here; each has its own place below.

pub(crate) mod guards;
mod list_share;
pub(crate) mod mending;
mod patience;
mod rules;
mod scrub;
mod sieve;
mod source;
mod spilled;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use protocol::{Change, Entry, MirrorName, RelPath, RoundId, wire};
use scanner::{Filter, Finding, Rules, Scan, ScanError, Scanned, plan};
use seams::clock::Clock;
use seams::fs::{Directory, Fs};
use seams::known::Known;
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::random::{Random, id};
use seams::recorded::{Forgetful, Recorder};
use seams::scratch::{Pages, Scratch};
use snapshot_db::Snapshot;
use uploader::{
    Caller, CompressionLevel, Contacted, Deliverer, Delivery, Outlook, Parted, Recipes, Sizes, Traffic, Why, batches,
    parted,
};

use crate::ledger::SnapshotLedger;
use crate::meter::Meter;
pub use crate::report::{HeldChange, Report, RoundError};
use crate::snapshot_bases::SnapshotBases;
use crate::source_contents::SourceContents;
use guards::{Braking, Guarded};
pub use list_share::ListShare;
use mending::WantedContents;
use patience::Patience;
pub use rules::RoundRules;
use scrub::Account;
pub use scrub::ScrubRate;
use sieve::Sieve;
use source::OpenSource;

/// What a client looks at: its source, and what it remembers of it.
#[derive(Debug, Clone, Copy)]
pub struct Beat<'a> {
    /// The file system the source is on.
    pub fs: &'a dyn Fs,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Which mirror.
    pub mirror: &'a MirrorName,
    /// The source, as an absolute path.
    pub source: &'a Path,
    /// This machine's name, for people.
    pub host: &'a str,
    /// What is remembered.
    pub snapshot: &'a Snapshot,
    /// What is left out.
    pub filter: &'a Filter,
    /// Whether to stay on the source's own file system.
    pub one_file_system: bool,
    /// How the round is to be made.
    pub rules: &'a RoundRules,
    /// Where plain findings go that do not fit in memory; empty when the round begins.
    pub scratch: &'a Arc<dyn Scratch>,
    /// How many fit.
    pub most_in_memory: usize,
    /// Set where somebody asks to stop.
    pub stop: &'a AtomicBool,
    /// How many threads look.
    pub threads: Parallel,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

/// Whom a client delivers to.
#[derive(Debug, Clone, Copy)]
pub struct Delivering<'a> {
    /// Calls the receiver, with this round's patience.
    pub caller: &'a Caller,
    /// Where ids come from.
    pub random: &'a dyn Random,
    /// How many requests carry contents at once.
    pub transfers: Parallel,
    /// How many processors there are to compress on.
    pub processors: usize,
    /// How hard to compress.
    pub compression: CompressionLevel,
}

/// How one look at the source is made.
struct Look<'a> {
    known: &'a Known,
    scrub: Option<Account>,
    recorder: &'a dyn Recorder,
}

/// What a round has open when it comes to deliver.
struct Open<'a> {
    contacted: &'a Contacted,
    round: wire::Round,
    root: Arc<dyn Directory>,
    braking: &'a Braking,
    bases: &'a SnapshotBases<'a>,
}

impl Beat<'_> {
    /// A whole round. Where somebody came first, it is made again, once: what a client had sent before it was killed may
    /// be committed after the next one made contact.
    #[must_use]
    pub fn round(&self, to: &Delivering<'_>) -> Report {
        let mut report = Report::default();
        let meter = Meter::new(self.progress);
        let before = to.caller.traffic();
        report.failure = self.try_round(to, &meter, &mut report).err();
        if report.came_too_late() && Pages::of(&**self.scratch).next().is_none() {
            report = Report::default();
            report.failure = self.try_round(to, &meter, &mut report).err();
        }
        report.bytes_read = meter.bytes_read();
        report.traffic = since(before, to.caller.traffic());
        report
    }

    /// What a round would do. Reads the source and the snapshot, asks nobody and writes nothing.
    #[must_use]
    pub fn dry_run(&self) -> Report {
        let mut report = Report::default();
        let meter = Meter::new(self.progress);
        report.failure = self.try_dry_run(&meter, &mut report).err();
        report.bytes_read = meter.bytes_read();
        report
    }

    fn try_round(&self, to: &Delivering<'_>, meter: &Meter<'_>, report: &mut Report) -> Result<(), RoundError> {
        let mut source = self.open_source()?;
        let contacted = self.contact(to, &mut source)?;
        report.revision = contacted.head.number;
        let round = wire::Round { id: RoundId::from_bytes(id(to.random)), started: self.clock.now() };
        report.round = Some(round);
        let known = self.snapshot.known()?;
        let scrub = self.scrub_account()?;
        let look = Look { known: &known, scrub, recorder: self.snapshot };
        let Some(scanned) = self.scan(&source, &look, meter, report)? else { return Ok(()) };
        self.remember(&scanned, scrub)?;
        let braking = Braking::of(self.snapshot, contacted.ended_files, round.started)?;
        let guarded = self.guard(&scanned, &known, &braking, report)?;
        braking.hold(self.snapshot, &guarded, round.started)?;
        let mut patience = Patience::new(&known.postponed, self.clock.now());
        patience.findings(&scanned.findings);
        patience.untried(&guarded.refused);
        let bases = SnapshotBases::of(self.snapshot, round.started, &scanned.findings, &guarded.plan);
        let open = Open { contacted: &contacted, round, root: source.root, braking: &braking, bases: &bases };
        let delivered = self.deliver(to, &open, guarded, &mut patience, meter, report);
        self.snapshot.set_postponed(&patience.after)?;
        self.record_inodes(&scanned, &report.changes)?;
        // Where nothing was delivered, they wait at their paths, beside what the mirror has there.
        if !scanned.late_readings.is_empty() {
            self.snapshot.record_readings(&scanned.late_readings)?;
        }
        // Only now: what is delivered may need lists that the budget does not leave room for.
        self.snapshot.trim_chunk_lists(self.rules.lists.of(scanned.counts.bytes))?;
        delivered
    }

    fn try_dry_run(&self, meter: &Meter<'_>, report: &mut Report) -> Result<(), RoundError> {
        let source = self.open_source()?;
        self.check_not_emptied(&source, self.snapshot.counts()?.entries == 0)?;
        report.revision = self.snapshot.standing()?.head.number;
        let known = self.snapshot.known()?;
        let look = Look { known: &known, scrub: None, recorder: &Forgetful };
        let Some(scanned) = self.scan(&source, &look, meter, report)? else { return Ok(()) };
        // How much was deleted in the last 24 hours only the receiver knows, and a dry run asks nobody.
        let braking = Braking::of(self.snapshot, 0, self.clock.now())?;
        report.changes = self.guard(&scanned, &known, &braking, report)?.plan;
        report.spilled = Some(Arc::clone(self.scratch));
        Ok(())
    }

    /// Looks at the source; nothing if somebody asked to stop meanwhile.
    fn scan(
        &self,
        source: &OpenSource,
        look: &Look<'_>,
        meter: &Meter<'_>,
        report: &mut Report,
    ) -> Result<Option<Scanned>, RoundError> {
        let scan = Scan {
            root: Arc::clone(&source.root),
            recorded_root: self.snapshot.root_metadata()?,
            recorded: self.snapshot,
            filter: self.filter,
            one_file_system: self.one_file_system,
            clock: self.clock,
            parallel: self.threads,
            progress: meter,
            rules: Rules {
                scrub_bytes: look.scrub.map_or(0, Account::bytes),
                accept_mounts: self.rules.accept_root || self.rules.adopt,
                ..self.rules.look
            },
            known: look.known,
            scratch: &**self.scratch,
            most_in_memory: self.most_in_memory,
            recorder: look.recorder,
            stop: self.stop,
        };
        let scanned = match scan.run() {
            Ok(scanned) => scanned,
            Err(ScanError::Stopped) => {
                report.stopped = true;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        report.found(&scanned);
        Ok(Some(scanned))
    }

    /// What earlier rounds left of the scrub's budget, and what came in since.
    fn scrub_account(&self) -> Result<Option<Account>, RoundError> {
        let Some(rate) = self.rules.scrub else { return Ok(None) };
        let before = self.snapshot.scrub_balance()?.map(|(at, balance)| Account { at, balance });
        Ok(Some(rate.account(before, self.clock.now(), self.snapshot.counts()?.bytes)))
    }

    /// What was learned is remembered before anything is delivered, so that it need not be learned again.
    fn remember(&self, scanned: &Scanned, scrub: Option<Account>) -> Result<(), RoundError> {
        if !scanned.flown.is_empty() {
            self.snapshot.forget_readings(&scanned.flown)?;
        }
        self.snapshot.record_mounts(&scanned.mounts)?;
        self.snapshot.record_habits(&scanned.habits)?;
        if let Some(Account { at, balance }) = scrub.map(|account| account.less(scanned.counts.bytes_scrubbed)) {
            self.snapshot.set_scrub_balance(at, balance)?;
        }
        Ok(())
    }

    /// Plans, and lets every guard speak.
    fn guard(
        &self,
        scanned: &Scanned,
        known: &Known,
        braking: &Braking,
        report: &mut Report,
    ) -> Result<Guarded, RoundError> {
        let (mut planned, now) = (plan(&scanned.findings), self.clock.now());
        let mut guarded = Guarded::new(std::mem::take(&mut planned.changes))
            .restrict_to(self.rules.only.as_ref())
            .without_refused(&known.postponed, now)
            .brake(&scanned.findings, self.rules, braking);
        let mut waiting = std::mem::take(&mut planned.waiting);
        let sieve = Sieve { planned: &planned, only: self.rules.only.as_ref(), postponed: &known.postponed, now };
        waiting.extend(sieve.run(&**self.scratch, &mut guarded).map_err(RoundError::Scratch)?);
        report.guarded(&guarded, waiting, &known.postponed);
        report.held_list = guarded.digest().filter(|digest| !braking.is_rejected(digest));
        Ok(guarded)
    }

    fn deliver(
        &self,
        to: &Delivering<'_>,
        open: &Open<'_>,
        guarded: Guarded,
        patience: &mut Patience<'_>,
        meter: &Meter<'_>,
        report: &mut Report,
    ) -> Result<(), RoundError> {
        let Guarded { plan, excused, spilled, .. } = guarded;
        let mut let_go = open.braking.let_go(&plan);
        let contents = SourceContents::of(Arc::clone(&open.root), &plan, meter);
        let deliverer = Deliverer {
            caller: to.caller,
            mirror: self.mirror,
            round: open.round,
            ledger: &SnapshotLedger(self.snapshot),
            contents: &contents,
            recipes: &Recipes::new(open.bases),
            parallel: to.transfers,
            processors: to.processors,
            compression: to.compression,
            limits: open.contacted.limits,
            progress: meter,
        };
        let (mut delivery, sizes) = (Delivery::default(), Sizes::within(&open.contacted.limits));
        let delivered = self.deliver_all(&deliverer, (plan, spilled), &contents, &sizes, &mut delivery);
        for change in &delivery.delivered {
            let_go.remove(change);
        }
        let released = delivery.delivered.iter().filter_map(|change| excused.get(change)).sum();
        self.snapshot.note_released(self.clock.now(), released)?;
        open.braking.forget_approvals(self.snapshot, &let_go)?;
        patience.left_out(&delivery.left_out);
        let misread = misread(&delivery);
        let is_wanted = !delivery.wanted.is_empty() || !open.contacted.wanted.is_empty();
        report.take(delivery);
        report.spilled = Some(Arc::clone(self.scratch));
        if !misread.is_empty() {
            self.snapshot.distrust_readings(&misread)?;
        }
        delivered?;
        if is_wanted { self.mend(&deliverer, open, meter, report) } else { Ok(()) }
    }

    /// Sends again what the receiver found damaged.
    fn mend(
        &self,
        deliverer: &Deliverer<'_>,
        open: &Open<'_>,
        meter: &Meter<'_>,
        report: &mut Report,
    ) -> Result<(), RoundError> {
        let contents = WantedContents::of(Arc::clone(&open.root), Some(self.snapshot), meter);
        let mending = Deliverer { contents: &contents, ..*deliverer }.mend(&contents)?;
        report.mended(mending);
        Ok(())
    }

    /// Delivers a plan, and what does not fit in memory before its last deletes.
    fn deliver_all(
        &self,
        deliverer: &Deliverer<'_>,
        (plan, outlook): (Vec<Change>, Outlook),
        contents: &SourceContents<'_>,
        sizes: &Sizes,
        delivery: &mut Delivery,
    ) -> Result<(), RoundError> {
        let scratch = &**self.scratch;
        if scratch.page(None).map_err(RoundError::Scratch)?.is_empty() {
            return Ok(deliverer.deliver(batches(plan, sizes)?, delivery)?);
        }
        let Parted { before, after } = parted(plan, sizes)?;
        let delivered = deliverer
            .deliver(before, delivery)
            .map_err(RoundError::from)
            .and_then(|()| spilled::deliver(scratch, deliverer, contents, sizes, outlook, delivery))
            .and_then(|()| Ok(deliverer.deliver(after, delivery)?));
        spilled::keep_delivered(scratch, delivery).map_err(RoundError::Scratch)?;
        delivered
    }

    /// Records what directories were known by, as far as the mirror has them now.
    fn record_inodes(&self, scanned: &Scanned, delivered: &[Change]) -> Result<(), RoundError> {
        let made: HashSet<&RelPath> = delivered.iter().filter_map(made_directory).collect();
        let new = scanned.findings.iter().filter_map(new_directory).filter(|(path, _)| made.contains(path));
        let inodes: Vec<(RelPath, u64)> =
            scanned.inodes.iter().cloned().chain(new.map(|(path, inode)| (path.clone(), inode))).collect();
        if !inodes.is_empty() {
            self.snapshot.record_inodes(&inodes)?;
        }
        spilled::record_inodes(&**self.scratch, self.snapshot)
    }
}

fn made_directory(change: &Change) -> Option<&RelPath> {
    matches!(change, Change::Create { entry: Entry::Directory { .. }, .. }).then(|| change.path())
}

fn new_directory(finding: &Finding) -> Option<(&RelPath, u64)> {
    let Finding::Present { path, was: None, now: Entry::Directory { .. }, inode, .. } = finding else { return None };
    Some((path, *inode))
}

/// Files that turned out to be other than they were read, although nothing else may show it (a store through mmap):
/// whatever their evidence says, they must be read again, or the same content would be promised for ever.
fn misread(delivery: &Delivery) -> Vec<RelPath> {
    let is_misread = |why: &Why| matches!(why, Why::ContentChanged | Why::NeverComplete | Why::Unreadable(_));
    let left_out = delivery.left_out.iter().filter(|left_out| is_misread(&left_out.why));
    left_out.map(|left_out| left_out.change.path().clone()).collect()
}

fn since(before: Traffic, now: Traffic) -> Traffic {
    Traffic {
        requests: now.requests - before.requests,
        bytes_sent: now.bytes_sent - before.bytes_sent,
        bytes_received: now.bytes_received - before.bytes_received,
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
