//! One round, told top to bottom: open, make contact, scan, guard, plan, deliver.
//!
//! Everything it touches comes in through seams, so that the same round runs against a simulated world. No rule is
//! decided here; each has its own place below.

use std::path::Path;
use std::sync::Arc;

use protocol::wire::{self, Source};
use protocol::{Change, MirrorName, RelPath, RoundId};
use scanner::{Filter, RootIdentity, Scan, Scanned, check_not_emptied, check_root, plan};
use seams::clock::Clock;
use seams::fs::{Directory, Fs};
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::random::{Random, id};
use snapshot_db::Snapshot;
use uploader::{Caller, Contacted, Deliverer, Delivery, Sizes, Traffic, Why, batches, claim, meet};

use crate::ledger::SnapshotLedger;
use crate::meter::Meter;
pub use crate::report::{Report, RoundError};
use crate::source_contents::SourceContents;

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
    /// Whether a person said that the source may be another one than before.
    pub adopt: bool,
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
}

impl Beat<'_> {
    /// A whole round.
    #[must_use]
    pub fn round(&self, to: &Delivering<'_>) -> Report {
        let mut report = Report::default();
        let meter = Meter::new(self.progress);
        let before = to.caller.traffic();
        report.failure = self.try_round(to, &meter, &mut report).err();
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
        let (root, identity) = self.open_source()?;
        let contacted = self.contact(to, &identity)?;
        report.revision = contacted.head.number;
        let round = wire::Round { id: RoundId::from_bytes(id(to.random)), started: self.clock.now() };
        let scanned = self.scan(&root, meter, report)?;
        self.remember(&scanned)?;
        let plan = plan(&scanned.findings).changes;
        self.deliver(to, &contacted, round, root, plan, meter, report)?;
        if !scanned.inodes.is_empty() {
            self.snapshot.record_inodes(&scanned.inodes)?;
        }
        Ok(())
    }

    fn try_dry_run(&self, meter: &Meter<'_>, report: &mut Report) -> Result<(), RoundError> {
        let (root, _) = self.open_source()?;
        report.revision = self.snapshot.standing()?.head.number;
        let scanned = self.scan(&root, meter, report)?;
        report.changes = plan(&scanned.findings).changes;
        Ok(())
    }

    /// Opens the root, which must be the recorded one.
    fn open_source(&self) -> Result<(Arc<dyn Directory>, RootIdentity), RoundError> {
        let recorded = self.recorded_source()?;
        let failed = |source| RoundError::Source { path: shown(self.source), known: recorded.is_some(), source };
        let root = self.fs.open_root(self.source).map_err(failed)?;
        let identity = RootIdentity::of(&*root).map_err(failed)?;
        if let Some(recorded) = recorded.filter(|_| !self.adopt) {
            self.check_source(&recorded, &identity)?;
        }
        Ok((root, identity))
    }

    /// The source that this mirror was last made from here.
    fn recorded_source(&self) -> Result<Option<Source>, RoundError> {
        Ok(self.snapshot.root_record()?.and_then(|record| minicbor::decode(&record).ok()))
    }

    fn check_source(&self, recorded: &Source, identity: &RootIdentity) -> Result<(), RoundError> {
        let ours = self.own_source(identity);
        if is_same_source(recorded, &ours, identity) {
            return Ok(());
        }
        match RootIdentity::from_bytes(&recorded.identity) {
            Some(expected) if recorded.path == ours.path => Ok(check_root(&expected, identity)?),
            Some(_) | None => Err(self.other_source(recorded, &ours)),
        }
    }

    fn other_source(&self, theirs: &Source, ours: &Source) -> RoundError {
        RoundError::OtherSource { mirror: self.mirror.clone(), theirs: name_of(theirs), ours: name_of(ours) }
    }

    /// Agrees with the receiver on whose copy the mirror is, and then on the head: a source that is refused must not
    /// have taken anything over.
    fn contact(&self, to: &Delivering<'_>, identity: &RootIdentity) -> Result<Contacted, RoundError> {
        let ledger = SnapshotLedger(self.snapshot);
        let meeting = meet(to.caller, self.mirror, &ledger)?;
        let ours = self.own_source(identity);
        let theirs = meeting.source().cloned();
        let is_ours = theirs.as_ref().is_some_and(|theirs| is_same_source(theirs, &ours, identity));
        if let Some(theirs) = theirs.as_ref().filter(|_| !is_ours && !self.adopt) {
            return Err(self.other_source(theirs, &ours));
        }
        let contacted = meeting.agree(to.random)?;
        if !is_ours {
            claim(to.caller, self.mirror, ours.clone(), theirs)?;
        }
        if self.recorded_source()?.as_ref() != Some(&ours) {
            let record = minicbor::to_vec(&ours).expect("encoding to memory cannot fail");
            self.snapshot.set_root_record(&record)?;
        }
        Ok(contacted)
    }

    fn own_source(&self, identity: &RootIdentity) -> Source {
        use std::os::unix::ffi::OsStrExt;
        let path = self.source.as_os_str().as_bytes().to_vec().into();
        Source { path, identity: identity.to_bytes().into(), host: self.host.to_owned() }
    }

    fn scan(&self, root: &Arc<dyn Directory>, meter: &Meter<'_>, report: &mut Report) -> Result<Scanned, RoundError> {
        let scan = Scan {
            root: Arc::clone(root),
            recorded_root: self.snapshot.root_metadata()?,
            recorded: self.snapshot,
            filter: self.filter,
            one_file_system: self.one_file_system,
            clock: self.clock,
            parallel: self.threads,
            progress: meter,
            rules: scanner::Rules::default(),
            known: &seams::known::Known::default(),
            recorder: &seams::recorded::Forgetful,
            stop: &std::sync::atomic::AtomicBool::new(false),
        };
        let scanned = scan.run()?;
        report.found(&scanned);
        let mirror_is_empty = self.snapshot.counts()?.entries == 0;
        check_not_emptied(scanned.counts.names_in_root == 0, mirror_is_empty)?;
        Ok(scanned)
    }

    /// What was read is remembered before anything is delivered, so that it need not be read again.
    fn remember(&self, scanned: &Scanned) -> Result<(), RoundError> {
        if !scanned.readings.is_empty() {
            self.snapshot.record_readings(&scanned.readings)?;
        }
        if !scanned.flown.is_empty() {
            self.snapshot.forget_readings(&scanned.flown)?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // The last step of the story: everything that came before meets here.
    fn deliver(
        &self,
        to: &Delivering<'_>,
        contacted: &Contacted,
        round: wire::Round,
        root: Arc<dyn Directory>,
        plan: Vec<Change>,
        meter: &Meter<'_>,
        report: &mut Report,
    ) -> Result<(), RoundError> {
        let contents = SourceContents::of(root, &plan, meter);
        let deliverer = Deliverer {
            caller: to.caller,
            mirror: self.mirror,
            round,
            ledger: &SnapshotLedger(self.snapshot),
            contents: &contents,
            parallel: to.transfers,
            limits: contacted.limits,
            progress: meter,
        };
        let mut delivery = Delivery::default();
        let delivered = deliverer.deliver(batches(plan, &Sizes::within(&contacted.limits))?, &mut delivery);
        let misread = misread(&delivery);
        report.take(delivery);
        if !misread.is_empty() {
            self.snapshot.distrust_readings(&misread)?;
        }
        Ok(delivered?)
    }
}

/// Files that turned out to be other than they were read, although nothing else may show it (a store through mmap):
/// whatever their evidence says, they must be read again, or the same content would be promised for ever.
fn misread(delivery: &Delivery) -> Vec<RelPath> {
    let is_misread = |why: &Why| matches!(why, Why::ContentChanged | Why::NeverComplete | Why::Unreadable(_));
    let left_out = delivery.left_out.iter().filter(|left_out| is_misread(&left_out.why));
    left_out.map(|left_out| left_out.change.path().clone()).collect()
}

/// Whether a mirror that was claimed for `theirs` is the copy of this source. Where inodes do not last, two directories
/// of one file system differ by their paths alone.
fn is_same_source(theirs: &Source, ours: &Source, identity: &RootIdentity) -> bool {
    theirs.identity == ours.identity && (identity.inode.is_some() || theirs.path == ours.path)
}

/// A source as people know it.
fn name_of(source: &Source) -> String {
    format!("{} on {}", protocol::escape(&source.path), protocol::escape(source.host.as_bytes()))
}

fn shown(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    protocol::escape(path.as_os_str().as_bytes())
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
