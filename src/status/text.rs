//! How a mirror stands, for people: a line of what it is, then one a subject.

use indicatif::{BinaryBytes, HumanCount};
use protocol::Timestamp;
use snapshot_db::Decision;

use super::held::Held;
use super::waiting::Waiting;
use super::{MirrorStatus, Round};
use crate::exit::Exit;
use crate::output::{changes, counted};

/// Where what is said of a subject begins.
const COLUMN: usize = 18;
/// Most lines of one subject; programs get all.
const MOST_LINES: usize = 10;

/// The lines of one mirror.
pub(super) fn status(status: &MirrorStatus, now: Timestamp) -> String {
    let mut text = format!("{} -> {}\n", status.source, status.place);
    let mut say = |label: &str, lines: Vec<String>| text.push_str(&subject(label, lines));
    let mut rounds = status.rounds.iter();
    say("last round", rounds.next().map(|round| last_round(round, now)).into_iter().collect());
    say("rounds before", rounds.map(round_before).collect());
    say("mirror", vec![mirror(status, now)]);
    say("pending", pending(status).into_iter().collect());
    say("held", status.held.iter().flat_map(|held| held_lines(held, now)).collect());
    say("problems", capped(&status.problems, |waiting| problem(waiting, now)));
    say("deferred", capped(&status.deferred, |waiting| postponed(waiting, now)));
    say("refused", capped(&status.refused, |waiting| postponed(waiting, now)));
    let oldest = status.oldest_unverified.as_ref();
    say(
        "oldest unverified",
        oldest.map(|oldest| format!("{}, {}", oldest.shown, oldest.verified.told(now))).into_iter().collect(),
    );
    text
}

/// A subject with its lines, aligned; `none` where there are no lines.
pub(crate) fn subject(label: &str, lines: Vec<String>) -> String {
    let lines = if lines.is_empty() { vec!["none".to_owned()] } else { lines };
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(lines).map(|(label, line)| format!("  {label:<COLUMN$} {line}\n")).collect()
}

/// A line each, as many as are shown, then how many more there are.
fn capped<T>(items: &[T], line: impl Fn(&T) -> String) -> Vec<String> {
    let mut lines: Vec<String> = items.iter().take(MOST_LINES).map(line).collect();
    if items.len() > MOST_LINES {
        lines.push(format!("and {} more (--json shows all)", HumanCount(count(items.len() - MOST_LINES))));
    }
    lines
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn last_round(round: &Round, now: Timestamp) -> String {
    format!("{}: {}", round.finished.told(now), outcome(round))
}

fn round_before(round: &Round) -> String {
    format!("{}: {}", crate::moments::exact(round.finished.0), outcome(round))
}

fn outcome(round: &Round) -> String {
    let exit = Exit::ALL.iter().find(|exit| exit.code() == round.exit_code);
    let meaning = exit.map_or("", |exit| exit.meaning());
    match round.exit_code {
        0 => changes(&round.summary),
        code if round.summary.failed => format!("exit {code}, {meaning}"),
        code => format!("exit {code}, {meaning}: {}", changes(&round.summary)),
    }
}

fn mirror(status: &MirrorStatus, now: Timestamp) -> String {
    let size = format!("{} ({})", counted(status.files, "file"), BinaryBytes(status.bytes));
    let acknowledged = status.acknowledged.map(|at| format!(", {}", at.told(now))).unwrap_or_default();
    format!("{size} at revision {}{acknowledged}", status.revision)
}

fn pending(status: &MirrorStatus) -> Option<String> {
    let pending = &status.pending;
    let size = format!("{} ({})", counted(pending.files, "file"), BinaryBytes(pending.bytes));
    (pending.files > 0).then(|| format!("{size} read and not delivered yet"))
}

fn held_lines(held: &Held, now: Timestamp) -> Vec<String> {
    let changes = counted(count(held.changes.len()), "change");
    let files = counted(held.files, "file");
    let mut lines =
        vec![format!("{}: {changes}, {files} would cease to exist, since {}", held.digest, held.since.told(now))];
    lines.extend(capped(&held.changes, |change| format!("  {}", change.shown)));
    lines.push(format!("  {}", what_next(held, now)));
    lines
}

/// What a person decided, or is to type.
fn what_next(held: &Held, now: Timestamp) -> String {
    let (digest, when) = (&held.digest, held.decided.map(|at| at.told(now)).unwrap_or_default());
    match held.decision {
        None => format!("to let it go: `roundsman approve {digest}`; to stop being asked: `roundsman reject {digest}`"),
        Some(Decision::Approved) => {
            format!("approved {when}: the next round lets it go; not to: `roundsman reject {digest}`")
        }
        Some(Decision::Rejected) => {
            format!("rejected {when}: it stays at the mirror, and nobody is asked until the list changes")
        }
    }
}

fn problem(waiting: &Waiting, now: Timestamp) -> String {
    format!("{}: {}, since {}", waiting.shown, waiting.reason, waiting.since.told(now))
}

fn postponed(waiting: &Waiting, now: Timestamp) -> String {
    format!("{}, next try {}", problem(waiting, now), waiting.next_try.told(now))
}
