//! [`Verify`]: whether a mirror is right: what really lies in it against the receiver's catalog, the catalog against the
//! snapshot, and both against the source. Finds damage, and tells it from what merely changed since the last round.

mod source;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::wire::{Check, CheckFinding, CheckPage, CheckVerdict, Round};
use protocol::{Entry, Head, Kind, MirrorName, RelPath, RoundId};
use seams::clock::Clock;
use seams::fs::{Directory, Fs};
use seams::parallel::Parallel;
use seams::progress::Progress;
use seams::random::{Random, id};
use snapshot_db::Snapshot;
use uploader::{
    Caller, CompressionLevel, DeliverError, Deliverer, Ledger, Manifest, Mending, NoBases, Rate, Recipes, Traffic,
    Volume, meet,
};

use crate::ledger::SnapshotLedger;
use crate::report::RoundError;
use crate::round::mending::WantedContents;
use source::SourceFiles;

/// Bytes that one answer may be about: a second or two of a slow disk. With a rate, a second's worth of it.
const BUDGET: u64 = 128 * 1024 * 1024;
/// The longest that a receiver's wish to be left alone is heeded.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is to be verified, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verify<'a> {
    /// Calls the receiver.
    pub(crate) caller: &'a Caller,
    /// Which mirror.
    pub(crate) mirror: &'a MirrorName,
    /// The file system of the source.
    pub(crate) fs: &'a dyn Fs,
    /// The source.
    pub(crate) source: &'a Path,
    /// What is remembered of it; an empty one where nothing is.
    pub(crate) snapshot: &'a Snapshot,
    /// Whether anything is remembered.
    pub(crate) is_known: bool,
    /// The clock.
    pub(crate) clock: &'a dyn Clock,
    /// Where ids come from.
    pub(crate) random: &'a dyn Random,
    /// Whether what is wrong is put right.
    pub(crate) repair: bool,
    /// Whether the snapshot may be written: no round is running.
    pub(crate) is_ours: bool,
    /// Whether every file of the source is read, too.
    pub(crate) read_source: bool,
    /// How fast the receiver is to read.
    pub(crate) rate: Option<Rate>,
    /// How many requests carry contents at once.
    pub(crate) transfers: Parallel,
    /// How many processors there are to compress on.
    pub(crate) processors: usize,
    /// How hard to compress.
    pub(crate) compression: CompressionLevel,
    /// Who watches.
    pub(crate) progress: &'a dyn Progress,
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The mirror should have it.
    Missing,
    /// The mirror has it, and nobody delivered it.
    Extra,
    /// What lies in the mirror is not what was delivered.
    Damaged,
    /// Only its mode or time is not.
    Metadata,
    /// The snapshot takes something else for acknowledged.
    Snapshot,
    /// The source's file has other bytes, and nothing but reading it shows that.
    Source,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where.
    pub(crate) path: RelPath,
    /// Whether it should be, or is, a directory.
    pub(crate) is_directory: bool,
    /// What.
    pub(crate) wrong: Wrong,
    /// Whether it was put right at once. A damaged file is sent again after all was looked at.
    pub(crate) is_mended: bool,
}

/// What came of verifying; true also where it ended early.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    /// Files, directories and symlinks that the mirror should have.
    pub(crate) entries: u64,
    /// Bytes of the mirror's files that were read at the receiver.
    pub(crate) bytes_checked: u64,
    /// By [`Wrong`], in its order.
    pub(crate) found: [u64; 6],
    /// Paths that changed in the source since the last round: nothing is wrong with them.
    pub(crate) changed: u64,
    /// Of what was found, how much is right by now.
    pub(crate) repaired: u64,
    /// The mirror's newest revision.
    pub(crate) revision: u64,
    /// The snapshot's, where another one.
    pub(crate) snapshot_revision: Option<u64>,
    /// Whether somebody asked to stop before it came to its end.
    pub(crate) stopped: bool,
    /// Whether the source could not be opened, and so was not compared.
    pub(crate) without_source: bool,
    /// Contents that were sent.
    pub(crate) volume: Volume,
    /// What went over the wire.
    pub(crate) traffic: Traffic,
}

impl Verified {
    /// How much is wrong.
    pub(crate) fn wrong(&self) -> u64 {
        self.found.iter().sum()
    }

    /// How much is still wrong.
    pub(crate) fn left(&self) -> u64 {
        self.wrong().saturating_sub(self.repaired)
    }
}

/// Told of each finding as it comes.
type Tell<'a> = dyn FnMut(Finding) + 'a;

impl Verify<'_> {
    /// Verifies, and tells what is wrong.
    ///
    /// # Errors
    /// What keeps it from coming to its end; what was found before was told.
    pub(crate) fn run(&self, verified: &mut Verified, tell: &mut Tell<'_>) -> Result<(), RoundError> {
        let ledger = SnapshotLedger(self.snapshot);
        let meeting = meet(self.caller, self.mirror, &ledger)?;
        let reply = meeting.reply();
        if reply.source.is_none() {
            return Err(RoundError::NoMirror { mirror: self.mirror.clone() });
        }
        let (head, limits) = (reply.head, meeting.limits());
        verified.revision = head.number;
        let mut tell = |finding: Finding, verified: &mut Verified| {
            verified.found[finding.wrong as usize] += 1;
            verified.repaired += u64::from(finding.is_mended);
            tell(finding);
        };
        let lost = self.check(verified, &mut tell)?;
        if self.repair && !verified.stopped {
            let mending = self.mend(&ledger, limits)?;
            let again = meet(self.caller, self.mirror, &ledger)?;
            let still_wanted = again.reply().wanted.len().max(mending.unmet.len()) as u64;
            let at_most = if still_wanted == 0 { lost } else { mending.places };
            verified.repaired += at_most.min(lost.saturating_sub(still_wanted));
            verified.volume = mending.volume;
        }
        if verified.stopped { Ok(()) } else { self.compare(head, verified, &mut tell) }
    }

    /// What really lies in the mirror against the catalog; how many files are lost.
    fn check(&self, verified: &mut Verified, tell: &mut dyn FnMut(Finding, &mut Verified)) -> Result<u64, RoundError> {
        let (mut after, mut lost) = (None, 0);
        let budget = self.rate.map_or(BUDGET, |rate| rate.bytes().min(BUDGET));
        loop {
            let began = self.clock.since_boot();
            let (mirror, mend) = (self.mirror.clone(), self.repair);
            let request = Check { mirror, after: after.clone(), read_contents: true, budget: Some(budget), mend };
            let page = self.caller.call(request).map_err(DeliverError::from)?;
            let CheckPage { findings, next, bytes, entries, pause_millis } = page;
            verified.bytes_checked += bytes;
            verified.entries += entries;
            for found in findings {
                let finding = finding(found);
                lost += u64::from(is_lost(&finding));
                tell(finding, verified);
            }
            if next.is_none() {
                return Ok(lost);
            }
            if next == after && bytes == 0 {
                let stuck = "a check that does not get on";
                return Err(DeliverError::Protocol(stuck.to_owned()).into());
            }
            after = next;
            let took = self.clock.since_boot().saturating_sub(began);
            let due = self.rate.map_or(Duration::ZERO, |rate| rate.time_for(bytes)).saturating_sub(took);
            if !self.caller.rest(due.max(Duration::from_millis(pause_millis).min(LONGEST_PAUSE))) {
                verified.stopped = true;
                return Ok(lost);
            }
        }
    }

    /// Sends again what was found damaged.
    fn mend(&self, ledger: &SnapshotLedger<'_>, limits: protocol::wire::Limits) -> Result<Mending, RoundError> {
        let Ok(root) = self.fs.open_root(self.source) else { return Ok(Mending::default()) };
        let contents = WantedContents::of(root, Some(self.snapshot), self.progress);
        let deliverer = Deliverer {
            caller: self.caller,
            mirror: self.mirror,
            round: Round { id: RoundId::from_bytes(id(self.random)), started: self.clock.now() },
            ledger,
            contents: &contents,
            recipes: &Recipes::new(&NoBases),
            parallel: self.transfers,
            processors: self.processors,
            compression: self.compression,
            limits,
            progress: self.progress,
        };
        Ok(deliverer.mend(&contents)?)
    }

    /// The catalog against the snapshot and the source.
    fn compare(
        &self,
        head: Head,
        verified: &mut Verified,
        tell: &mut dyn FnMut(Finding, &mut Verified),
    ) -> Result<(), RoundError> {
        let known = self.snapshot.standing()?.head;
        let agrees = self.is_known && known == head;
        if self.is_known && !agrees {
            verified.snapshot_revision = Some(known.number);
        }
        let root: Option<Arc<dyn Directory>> = self.fs.open_root(self.source).ok();
        verified.without_source = root.is_none();
        let mut files = root.map(|root| SourceFiles::of(root, self.read_source, self.progress));
        let mut manifest = Manifest::open(self.caller, self.mirror)?;
        let mut entries = 0;
        for listed in manifest.by_ref() {
            let Ok((path, entry)) = listed else { break };
            entries += 1;
            let is_directory = entry.kind() == Kind::Directory;
            if agrees && self.acknowledged(&path)?.as_ref() != Some(&entry) {
                tell(Finding { path: path.clone(), is_directory, wrong: Wrong::Snapshot, is_mended: false }, verified);
            }
            match files.as_mut().map(|files| files.compare(&path, &entry)) {
                Some(source::Found::Changed) => verified.changed += 1,
                Some(source::Found::OtherBytes) => {
                    tell(Finding { path, is_directory, wrong: Wrong::Source, is_mended: false }, verified);
                }
                Some(source::Found::Same) | None => {}
            }
            if self.caller.is_stopped() {
                verified.stopped = true;
                return Ok(());
            }
        }
        if let Some(error) = manifest.into_error() {
            return Err(error.into());
        }
        if agrees && self.snapshot.counts()?.entries != entries {
            let path = RelPath::root();
            tell(Finding { path, is_directory: true, wrong: Wrong::Snapshot, is_mended: false }, verified);
        }
        if self.repair && self.is_ours && verified.found[Wrong::Snapshot as usize] > 0 {
            let mut manifest = Manifest::open(self.caller, self.mirror)?;
            let (revision, root) = (manifest.revision(), manifest.root());
            let ledger = SnapshotLedger(self.snapshot);
            ledger.replace_acknowledged(revision, &root, &mut manifest).map_err(RoundError::Scratch)?;
            verified.repaired += verified.found[Wrong::Snapshot as usize];
        }
        Ok(())
    }

    fn acknowledged(&self, path: &RelPath) -> Result<Option<Entry>, RoundError> {
        Ok(self.snapshot.row_at(path)?.and_then(|row| row.acknowledged))
    }
}

/// Whether a content is lost, which is asked for again.
fn is_lost(finding: &Finding) -> bool {
    matches!(finding.wrong, Wrong::Missing | Wrong::Damaged) && !finding.is_mended && !finding.is_directory
}

fn finding(found: CheckFinding) -> Finding {
    let wrong = match found.what {
        CheckVerdict::Missing => Wrong::Missing,
        CheckVerdict::Extra => Wrong::Extra,
        CheckVerdict::Damaged => Wrong::Damaged,
        CheckVerdict::Metadata => Wrong::Metadata,
    };
    let is_directory = found.entry.is_some_and(|entry| entry.kind() == Kind::Directory);
    Finding { path: found.path, is_directory, wrong, is_mended: found.mended }
}
