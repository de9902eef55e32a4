//! `roundsman restore`: files as they were, or one round undone, below a directory of this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use protocol::RelPath;
use restorer::{Rules, Run, RunError, Span, UndoError};
use seams::clock::{Clock, SystemClock};
use seams::disk::Disk;
use seams::fs::{Directory, Fs};
use seams::parallel::Parallel;
use uploader::CallError;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::past::{MirrorPast, Reached, RoundOf, Rounds, call_failure};
use crate::restoring::{RestoreSummary, Restoring};
use crate::route::{settled, shown};
use crate::settings::value::To;
use crate::settings::when::{RoundName, When};
use crate::settings::{ClientSettings, PastSettings, RestoreSettings};
use crate::stop::Stop;

/// What is to be restored.
enum Task {
    /// These paths, or everything, as of a revision.
    AsOf(u64, Vec<RelPath>),
    /// What these revisions changed, as it was before.
    Undo(Span),
}

/// Restores what was asked for.
pub(crate) fn restore(
    paths: &[PathBuf],
    settings: &PastSettings,
    wanted: &RestoreSettings,
    client: &ClientSettings,
    output: &Output,
) -> Result<Exit, Failure> {
    let began = Instant::now();
    check(paths, settings, wanted)?;
    let stop = Stop::on_signals(None)?;
    let into = settled(&wanted.into)?;
    let reached = Reached::find(settings, &client.state_dir, paths, &stop)?;
    let past = reached.past();
    let task = task(paths, &reached, &past, wanted, &stop)?;
    let root = open(&into, client.dry_run)?;
    let listener = Restoring::new(output, client.dry_run || output.shows_each());
    let flag = stop.flag();
    let run = Run {
        past: &past,
        root,
        rules: rules(wanted, client),
        listener: &listener,
        files: Parallel::new(settings.transfers.get()),
        stop: &flag,
    };
    let outcome = perform(&run, &task).map_err(|error| failure(error, &stop));
    let revision = match task {
        Task::AsOf(revision, _) | Task::Undo(Span { before: revision, .. }) => revision,
    };
    let mut summary = listener.summary();
    (summary.revision, summary.into, summary.dry_run) = (revision, shown(&into), client.dry_run);
    Ok(conclude(summary.took(began.elapsed(), past.caller.traffic()), &outcome, &stop, output))
}

fn conclude(mut summary: RestoreSummary, outcome: &Result<(), Failure>, stop: &Stop, output: &Output) -> Exit {
    let exit = match outcome {
        Err(failure) => failure.exit,
        Ok(()) if summary.problems > 0 => Exit::Problems,
        Ok(()) => Exit::Done,
    };
    if let Err(failure) = outcome {
        output.failure(failure);
    }
    (summary.failed, summary.stopped) = (outcome.is_err(), stop.is_asked());
    output.conclude(&summary.text(), &summary, exit);
    exit
}

fn perform(run: &Run<'_>, task: &Task) -> Result<(), UndoError> {
    match task {
        Task::AsOf(revision, paths) => Ok(restorer::restore(run, *revision, paths)?),
        Task::Undo(span) => restorer::undo(run, *span),
    }
}

/// What contradicts itself, or would harm a mirror.
fn check(paths: &[PathBuf], settings: &PastSettings, wanted: &RestoreSettings) -> Result<(), Failure> {
    if wanted.undo.is_some() && (wanted.at.is_some() || !paths.is_empty()) {
        return Err(Failure::usage("--undo names all that is to be undone: neither PATH nor --at goes with it")
            .hint("to get single files back as they were, say `restore PATH --at REVISION`"));
    }
    let To::Directory(data) = &settings.from else { return Ok(()) };
    if settled(&wanted.into)?.starts_with(settled(data)?) {
        return Err(Failure::usage(format!("{} lies in the directory that keeps the mirrors", shown(&wanted.into)))
            .hint("restore to a place apart from it: a mirror is made to be like its source"));
    }
    Ok(())
}

fn task(
    paths: &[PathBuf],
    reached: &Reached,
    past: &MirrorPast<'_>,
    wanted: &RestoreSettings,
    stop: &Stop,
) -> Result<Task, Failure> {
    let failed = |error| call_failure(error, stop);
    if let Some(name) = &wanted.undo {
        let head = past.head(None).map_err(failed)?.number;
        let RoundOf { first, last, .. } = round_called(name, past, head, stop)?;
        return Ok(Task::Undo(Span { before: first.saturating_sub(1), after: last, head }));
    }
    let paths = paths.iter().map(|path| reached.path(path)).collect::<Result<Vec<_>, _>>()?;
    let revision = match wanted.at {
        None => past.head(None).map_err(failed)?.number,
        Some(When::Revision(number)) => past.head(Some(number)).map_err(failed)?.number,
        Some(when) => as_of(when, past, reached, stop)?,
    };
    Ok(Task::AsOf(revision, paths))
}

fn as_of(when: When, past: &MirrorPast<'_>, reached: &Reached, stop: &Stop) -> Result<u64, Failure> {
    let moment = when.moment(SystemClock::new().now()).unwrap_or_default();
    let found = past.as_of(moment).map_err(|error| call_failure(error, stop))?;
    found.map(|revision| revision.head.number).ok_or_else(|| {
        let message = format!("there was no mirror {} at {}", reached.mirror(), crate::moments::local(moment));
        Failure::usage(message).hint("`roundsman history` says since when there is")
    })
}

/// The one round of this name.
fn round_called(name: &RoundName, past: &MirrorPast<'_>, head: u64, stop: &Stop) -> Result<RoundOf, Failure> {
    let mut rounds = Rounds::of(past);
    let mut found: Option<RoundOf> = None;
    while let Some(round) = rounds.next().map_err(|error: CallError| call_failure(error, stop))? {
        if !round.is_called(name, head) {
            continue;
        }
        if found.is_some() {
            return Err(Failure::usage(format!("several rounds begin with {}", name.as_str()))
                .hint("`roundsman history` shows more of their ids"));
        }
        found = Some(round);
    }
    found.ok_or_else(|| {
        Failure::usage(format!("the mirror has no round {}", name.as_str())).hint("`roundsman history` shows them")
    })
}

/// The directory below which everything comes. One that is missing is made, but not the way to it: a disk that is not
/// mounted is not replaced by a folder of its name.
fn open(into: &Path, dry_run: bool) -> Result<Option<Arc<dyn Directory>>, Failure> {
    let failed = |error: io::Error| {
        Failure::usage(format!("cannot restore into {}: {error}", shown(into)))
            .hint("is its disk mounted? Only the last directory of the path is made")
    };
    match Disk.open_root(into) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened.map(Some).map_err(failed),
    }
    if dry_run {
        return Ok(None);
    }
    std::fs::create_dir(into).map_err(failed)?;
    Disk.open_root(into).map(Some).map_err(failed)
}

fn rules(wanted: &RestoreSettings, client: &ClientSettings) -> Rules {
    let owners = rustix::process::geteuid().is_root();
    Rules { overwrite: wanted.overwrite, dry_run: client.dry_run, owners }
}

/// Why it ended early, with the exit code that goes with it.
fn failure(error: UndoError, stop: &Stop) -> Failure {
    match error {
        UndoError::Run(RunError::Past(source)) => match source.downcast::<CallError>() {
            Ok(error) => call_failure(*error, stop),
            Err(source) => Failure::new(Exit::Failed, anyhow::anyhow!(source)),
        },
        UndoError::Run(error @ RunError::Stopped) => Failure::new(stop.exit().unwrap_or(Exit::Terminated), error),
        UndoError::Run(error @ RunError::NoRoom { .. }) => {
            Failure::new(Exit::Failed, error).hint("make room, and say the same again: it goes on where it was")
        }
        UndoError::Run(error @ RunError::Sync(_)) => Failure::new(Exit::Failed, error),
        UndoError::TooMany => Failure::usage(error)
            .hint("restore everything as it was before it, elsewhere or with --overwrite: --at REVISION"),
    }
}
