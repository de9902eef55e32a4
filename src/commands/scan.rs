//! `roundsman scan`: one round of each mirror, or a loop of them.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use protocol::Change;
use seams::clock::SystemClock;
use seams::random::{Random, SystemRandom};
use snapshot_db::set_aside;

use crate::exit::{Exit, Failure, worst};
use crate::lines::{lines, planned};
use crate::output::{Line, Output, Summary, counted};
use crate::plan_file::{self, PlanHeader};
use crate::round::{Report, RoundError};
use crate::round_failure::failure;
use crate::route::{Route, shown};
use crate::settings::{ClientSettings, KeepingSettings, MirrorSettings, OutputSettings};
use crate::stop::Stop;
use crate::visit::{Visit, dry_run};

/// A round begins at most this part of an interval late, so that many clients of one receiver spread out.
const JITTER_PART: u32 = 10;

/// Rounds as they were asked for, and where their outcome is told.
#[derive(Debug)]
pub(crate) struct Rounds<'a> {
    pub(crate) client: ClientSettings,
    /// What is kept where this command is the receiver, too.
    pub(crate) keeping: KeepingSettings,
    pub(crate) wanted: OutputSettings,
    pub(crate) output: &'a Output,
}

/// One mirror of several, with what is kept open between rounds.
struct Mirror {
    settings: MirrorSettings,
    visit: Option<Visit>,
}

impl Rounds<'_> {
    /// Makes the rounds.
    ///
    /// # Errors
    /// Only what is wrong before the first round; what fails in a round is told, and the exit code remembers.
    pub(crate) fn make(&self, mirrors: Vec<MirrorSettings>) -> Result<Exit, Failure> {
        let interval = self.client.interval.filter(|_| !self.client.dry_run);
        let stop = Stop::on_signals(interval.map(|_| Exit::Done))?;
        let mut mirrors: Vec<Mirror> = mirrors.into_iter().map(|settings| Mirror { settings, visit: None }).collect();
        match interval {
            None => Ok(worst(self.once(&mut mirrors, &stop))),
            Some(interval) => Ok(self.again_and_again(&mut mirrors, interval.get(), &stop)),
        }
    }

    /// One round of every mirror. One that fails does not stop the others.
    fn once(&self, mirrors: &mut [Mirror], stop: &Stop) -> Vec<Exit> {
        let mut exits = Vec::new();
        for mirror in mirrors {
            if let Some(exit) = stop.exit() {
                exits.push(exit);
                break;
            }
            exits.push(self.one(mirror, stop));
        }
        exits
    }

    /// The next round begins one interval after this one began, and a little later; never while this one runs. Where
    /// the first rounds find nothing but mistakes of whoever typed, waiting mends none of them.
    fn again_and_again(&self, mirrors: &mut [Mirror], interval: Duration, stop: &Stop) -> Exit {
        let mut is_first = true;
        while !stop.is_asked() {
            let began = Instant::now();
            let exits = self.once(mirrors, stop);
            if std::mem::take(&mut is_first) && exits.iter().all(|exit| *exit == Exit::Usage) {
                return Exit::Usage;
            }
            let jitter =
                SystemRandom.below(u64::try_from((interval / JITTER_PART).as_nanos()).unwrap_or(u64::MAX).max(1));
            let next = interval + Duration::from_nanos(jitter);
            stop.wait(Some(next.saturating_sub(began.elapsed())));
        }
        Exit::Done
    }

    fn one(&self, mirror: &mut Mirror, stop: &Stop) -> Exit {
        let began = Instant::now();
        let round = match self.round(mirror, stop) {
            Ok((report, place)) => self.tell(report, mirror, place, began.elapsed(), stop),
            Err(failure) => {
                let summary = Summary { failed: true, dry_run: self.client.dry_run, ..Summary::default() };
                self.output.failure(&failure);
                self.output.summary(&summary.took(began.elapsed()), failure.exit);
                failure.exit
            }
        };
        tracing::debug!(exit = round.code(), "round");
        round
    }

    fn round(&self, mirror: &mut Mirror, stop: &Stop) -> Result<(Report, String), Failure> {
        let clock = SystemClock::new();
        let threads = self.client.threads.get();
        if self.client.dry_run {
            let route = Route::of(&mirror.settings, &self.client.state_dir)?;
            let watcher = self.output.watcher(&clock);
            let report = dry_run(&route, &mirror.settings, threads, stop, &*watcher)?;
            self.write_plan(&route, &report)?;
            return Ok((report, route.place()));
        }
        if mirror.visit.is_none() {
            let route = Route::of(&mirror.settings, &self.client.state_dir)?;
            mirror.visit = Some(Visit::open_keeping(route, &mirror.settings, threads, self.keeping.keeping())?);
        }
        let visit = mirror.visit.as_ref().expect("was opened a line above");
        let only = self.read_plan(visit.route())?;
        let watcher = self.output.watcher(&clock);
        let (report, place) = (visit.round(only, stop, &*watcher), visit.route().place());
        drop(watcher);
        if report.failure.as_ref().is_some_and(RoundError::is_damaged_snapshot) {
            let snapshot = visit.route().snapshot();
            mirror.visit = None;
            let aside = set_aside(&snapshot)?;
            tracing::warn!("the snapshot is damaged and kept as {}; the next round builds a new one", shown(&aside));
        }
        Ok((report, place))
    }

    /// The changes that a person asked for; nothing where all are meant.
    fn read_plan(&self, route: &Route) -> Result<Option<HashSet<Change>>, Failure> {
        let Some(path) = &self.client.apply else { return Ok(None) };
        Ok(Some(plan_file::read(path, &PlanHeader::of(route))?.into_iter().collect()))
    }

    /// Writes what a dry run would do where a person asked for it.
    fn write_plan(&self, route: &Route, report: &Report) -> Result<(), Failure> {
        let Some(path) = self.client.plan.as_ref().filter(|_| report.failure.is_none() && !report.stopped) else {
            return Ok(());
        };
        Ok(plan_file::write(path, &PlanHeader::of(route), planned(report))?)
    }

    /// Says what a round came to, and remembers it for `status`.
    fn tell(&self, mut report: Report, mirror: &Mirror, place: String, took: Duration, stop: &Stop) -> Exit {
        let exit = exit(&report, stop);
        let round = report.round;
        if report.left_alone > 0 {
            let (changes, are) =
                (counted(report.left_alone, "change"), if report.left_alone == 1 { "is" } else { "are" });
            self.output.message(&format!("{changes} {are} not in the plan and left alone"));
        }
        let mut summary = summary(&report, place, self.client.dry_run).took(took);
        if let Err(error) = self.tell_lines(&report, &mut summary) {
            report.failure.get_or_insert(RoundError::Scratch(error));
        }
        let failed = report.failure.is_some();
        let exit = match report.failure {
            Some(error) => {
                let failure = failure(error, stop);
                // A loop that was asked to stop while nothing could be reached has ended well.
                if failure.exit != Exit::Done {
                    self.output.failure(&failure);
                }
                failure.exit
            }
            None => exit,
        };
        let summary = Summary { failed, ..summary };
        self.output.summary(&summary, exit);
        if let (Some(round), Some(visit)) = (round, &mirror.visit) {
            visit.record(round, exit, &summary);
        }
        exit
    }

    /// Tells line by line, and counts.
    fn tell_lines(&self, report: &Report, summary: &mut Summary) -> io::Result<()> {
        // A person who makes a round wants to know what went wrong; each change only if asked for.
        let each = self.client.dry_run || self.wanted.json || self.wanted.verbose > 0;
        let mut broken = Ok(());
        let read = |line: io::Result<Line>| line.map_err(|error| broken = Err(error)).ok();
        let told = lines(report).map_while(read).inspect(|line| summary.count(line));
        self.output.lines(told.filter(|line| each || line.mark.is_trouble()));
        broken
    }
}

/// The exit code of a round that came to its end.
fn exit(report: &Report, stop: &Stop) -> Exit {
    let held = (!report.held.is_empty()).then_some(Exit::Held);
    let problems = (!report.problems.is_empty()).then_some(Exit::Problems);
    let deferred = (!report.deferred.is_empty()).then_some(Exit::Deferred);
    let stopped = report.stopped.then(|| stop.exit().unwrap_or(Exit::Terminated));
    worst([held, problems, deferred, stopped].into_iter().flatten())
}

fn summary(report: &Report, mirror: String, dry_run: bool) -> Summary {
    Summary {
        files_seen: report.counts.files,
        bytes_seen: report.counts.bytes,
        bytes_read: report.bytes_read,
        files_opened: report.counts.files_opened,
        bytes_sent: report.traffic.bytes_sent,
        bytes_received: report.traffic.bytes_received,
        requests: report.traffic.requests,
        contents_sent: report.volume.sent,
        contents_packed: report.volume.packed,
        contents_reused: report.volume.reused,
        revision: report.revision,
        skipped: report.counts.special,
        excluded_kept: report.counts.excluded_kept,
        mended: report.mended,
        held_list: report.held_list.map(|digest| digest.to_string()),
        mirror,
        dry_run,
        stopped: report.stopped,
        ..Summary::default()
    }
}
