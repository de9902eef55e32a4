//! `roundsman verify`: whether mirrors are right. Works beside running rounds; changes nothing unless asked to repair.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use indicatif::{BinaryBytes, HumanCount};
use protocol::RelPath;
use receiver::Keeping;
use seams::clock::{Clock, SystemClock};
use seams::disk::Disk;
use seams::parallel::Parallel;
use seams::random::{Random, SystemRandom};
use serde::Serialize;
use snapshot_db::Snapshot;
use uploader::{Caller, RetryPolicy};

use crate::exit::{Exit, Failure, worst};
use crate::mirror_lock::MirrorLock;
use crate::output::{Line, Output, counted};
use crate::reach;
use crate::round_failure::failure;
use crate::route::Route;
use crate::settings::{ClientSettings, MirrorSettings, VerifySettings};
use crate::stop::Stop;
use crate::verify::{Finding, Verified, Verify, Wrong};
use crate::visit::{new_lineage, pace, transfers};

/// Verifies each mirror; one that fails hides no other.
pub(crate) fn verify(
    mirrors: &[(MirrorSettings, VerifySettings)],
    client: &ClientSettings,
    verbose: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let stop = Stop::on_signals(None)?;
    let mut exits = Vec::new();
    for (mirror, how) in mirrors {
        let exit = one(&Asked { mirror, how, client, verbose }, &stop, output).unwrap_or_else(|failure| {
            output.failure(&failure);
            failure.exit
        });
        exits.push(exit);
    }
    Ok(worst(exits))
}

struct Asked<'a> {
    mirror: &'a MirrorSettings,
    how: &'a VerifySettings,
    client: &'a ClientSettings,
    verbose: bool,
}

/// What is remembered of a mirror, and whether it may be written.
struct Remembered {
    snapshot: Option<Snapshot>,
    _lock: Option<MirrorLock>,
    is_ours: bool,
}

impl Remembered {
    /// Takes the lock where something is to be put right and no round is running. Nothing is ever made.
    fn of(route: &Route, repair: bool) -> Result<Self, Failure> {
        let lock =
            if repair && route.snapshot().exists() { MirrorLock::take(&route.state).ok().flatten() } else { None };
        let is_ours = lock.is_some();
        let path = route.snapshot();
        let snapshot = if is_ours { Snapshot::open_beside(&path)? } else { Snapshot::open_read_only(&path)? };
        Ok(Self { snapshot, _lock: lock, is_ours })
    }
}

fn one(asked: &Asked<'_>, stop: &Stop, output: &Output) -> Result<Exit, Failure> {
    let Asked { mirror, how, client, verbose } = asked;
    let began = Instant::now();
    let route = Route::of_mirror(mirror, &client.state_dir)?;
    let Remembered { snapshot, is_ours, _lock } = Remembered::of(&route, how.repair)?;
    let clock = Arc::new(SystemClock::new());
    let pace = pace(mirror, clock.clone());
    let transport = reach::transport(&route.to, mirror.token_file.as_deref(), pace, Keeping::default())?;
    let patience = mirror.retry_for;
    let policy =
        RetryPolicy { budget: patience.get(), refused_budget: patience.if_refused(), ..RetryPolicy::default() };
    let flag: Arc<AtomicBool> = stop.flag();
    let caller = Caller::new(
        transport,
        clock.clone() as Arc<dyn Clock>,
        Arc::new(SystemRandom) as Arc<dyn Random>,
        policy,
        flag,
    );
    let is_known = snapshot.is_some();
    let snapshot = snapshot.unwrap_or_else(|| Snapshot::in_memory(new_lineage()));
    let watcher = output.watcher(&*clock);
    let verify = Verify {
        caller: &caller,
        mirror: &route.mirror,
        fs: &Disk,
        source: &route.source,
        snapshot: &snapshot,
        is_known,
        clock: &*clock,
        random: &SystemRandom,
        repair: how.repair,
        is_ours,
        read_source: how.read_source,
        rate: how.verify_rate,
        transfers: Parallel::new(transfers(mirror)),
        processors: client.threads.get(),
        compression: mirror.compression_level,
        progress: &*watcher,
    };
    let mut verified = Verified::default();
    let ended = verify.run(&mut verified, &mut |finding| output.lines(std::iter::once(line(finding))));
    drop(watcher);
    verified.traffic = caller.traffic();
    ended.map_err(|error| failure(error, stop))?;
    let exit = if verified.stopped {
        stop.exit().unwrap_or(Exit::Terminated)
    } else if verified.left() > 0 {
        Exit::Problems
    } else {
        Exit::Done
    };
    if *verbose && verified.without_source {
        output.message("the source cannot be opened and was not compared");
    }
    let took = began.elapsed().as_secs_f64();
    let summary = Told::of(&verified, route.place(), (took * 1000.0).round() / 1000.0);
    output.conclusion(&summary.text(), &summary, exit);
    Ok(exit)
}

fn line(finding: Finding) -> Line {
    let what = match finding.wrong {
        Wrong::Missing => "missing at the mirror",
        Wrong::Extra => "at the mirror, and nobody delivered it",
        Wrong::Damaged => "damaged at the mirror",
        Wrong::Metadata => "another mode or time at the mirror",
        Wrong::Snapshot => "recorded here otherwise than at the receiver",
        Wrong::Source => "the source has other bytes, although nothing else shows it",
    };
    let mended = match finding.wrong {
        Wrong::Extra if finding.is_mended => "; put among the versions",
        _ if finding.is_mended => "; put right",
        _ => "",
    };
    let path: RelPath = finding.path;
    Line { is_directory: finding.is_directory, ..Line::problem(path, format!("{what}{mended}")) }
}

/// What verifying came to. The names of the fields are a contract with programs.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename = "summary")]
struct Told {
    entries: u64,
    bytes_checked: u64,
    missing: u64,
    extra: u64,
    damaged: u64,
    metadata: u64,
    snapshot: u64,
    source: u64,
    changed: u64,
    repaired: u64,
    left: u64,
    contents_sent: u64,
    bytes_sent: u64,
    bytes_received: u64,
    requests: u64,
    revision: u64,
    /// The newest revision that is recorded here, where that is another one.
    snapshot_revision: Option<u64>,
    /// Whether the source was there to be compared.
    source_compared: bool,
    seconds: f64,
    mirror: String,
    stopped: bool,
}

impl Told {
    fn of(verified: &Verified, mirror: String, seconds: f64) -> Self {
        let [missing, extra, damaged, metadata, snapshot, source] = verified.found;
        Self {
            entries: verified.entries,
            bytes_checked: verified.bytes_checked,
            missing,
            extra,
            damaged,
            metadata,
            snapshot,
            source,
            changed: verified.changed,
            repaired: verified.repaired,
            left: verified.left(),
            contents_sent: verified.volume.sent,
            bytes_sent: verified.traffic.bytes_sent,
            bytes_received: verified.traffic.bytes_received,
            requests: verified.traffic.requests,
            revision: verified.revision,
            snapshot_revision: verified.snapshot_revision,
            source_compared: !verified.without_source,
            seconds,
            mirror,
            stopped: verified.stopped,
        }
    }

    /// As people read it.
    fn text(&self) -> String {
        let counts = [
            (self.missing, "missing"),
            (self.extra, "extra"),
            (self.damaged, "damaged"),
            (self.metadata, "with another mode or time"),
            (self.snapshot, "recorded otherwise"),
            (self.source, "with other bytes in the source"),
            (self.repaired, "put right"),
        ];
        let some = counts.iter().filter(|(count, _)| *count > 0);
        let found: Vec<String> = some.map(|(count, word)| format!("{} {word}", HumanCount(*count))).collect();
        let found = match (found.is_empty(), self.stopped) {
            (_, true) => "stopped before everything was looked at".to_owned(),
            (true, _) => "all is right".to_owned(),
            (false, _) => found.join(", "),
        };
        let looked_at = format!(
            "{} looked at, {} of the mirror read",
            if self.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", HumanCount(self.entries)) },
            BinaryBytes(self.bytes_checked)
        );
        let behind = self.snapshot_revision.map_or_else(String::new, |ours| {
            format!("; recorded here is revision {ours}, the mirror is at {}: the next round catches up", self.revision)
        });
        let changed = if self.changed > 0 {
            format!("; {} changed in the source since the last round", counted(self.changed, "path"))
        } else {
            String::new()
        };
        format!("{found}; {looked_at} in {:.1} s{changed}{behind}; mirror: {}\n", self.seconds, self.mirror)
    }
}
