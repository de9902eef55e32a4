//! [`Why`]: everything that decides about one path of one mirror: what is recorded, what is there, what a round would
//! make of it, and why.

mod looks;
mod text;

use std::sync::Arc;

use protocol::{RelPath, Timestamp};
use scanner::{Explanation, Filter, Outcome, Question, Rules, explain};
use seams::clock::Clock;
use seams::fs::Fs;
use seams::recorded::Row;
use serde::Serialize;

use crate::exit::Failure;
use crate::moments::Moment;
use crate::output::JsonPath;
use crate::own_mirrors::OwnMirror;
use crate::route::shown;
use crate::status::Waiting;
use crate::visit::filter_of;
use looks::{AtMirror, LastRead, Now};

/// What decides about a path. The names of the fields are a contract with programs.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename = "why")]
pub(crate) struct Why {
    /// The path, below the source.
    #[serde(flatten)]
    path: JsonPath,
    /// The same as people read it.
    #[serde(skip)]
    shown: String,
    /// The source.
    source: String,
    /// Where the mirror lies.
    place: String,
    /// What a round would make of it, in a word.
    verdict: &'static str,
    /// The same in a sentence.
    reason: String,
    /// The rule that leaves it out; nothing where none does.
    filter: Option<String>,
    /// What the receiver acknowledged.
    at_mirror: Option<AtMirror>,
    /// What was last read, of a file.
    last_read: Option<LastRead>,
    /// What is there.
    now: Option<Now>,
    /// Which parts of the evidence are not those of the last read.
    differing: Vec<String>,
    /// Why it waits, and until when.
    waits: Option<Waiting>,
    /// The digest of the list by which it is held.
    held: Option<String>,
    /// The newest acknowledged revision.
    revision: u64,
    /// When a round last ended with a new one.
    acknowledged: Option<Moment>,
}

impl Why {
    /// Looks at the snapshot and at the path itself. Reads no content and changes nothing.
    ///
    /// # Errors
    /// The snapshot or a filter cannot be read.
    pub(crate) fn of(mirror: &OwnMirror, path: &RelPath, fs: &dyn Fs, clock: &dyn Clock) -> Result<Self, Failure> {
        let filter = filter_of(&mirror.route(), &mirror.way.filter)?;
        let row = mirror.snapshot.row_at(path)?;
        let explanation = explained(mirror, path, row.as_ref(), &filter, fs, clock)?;
        let is_directory = row.as_ref().is_some_and(|row| row.directory.is_some());
        let known = mirror.snapshot.known()?;
        let reading = row.as_ref().and_then(|row| row.reading.as_ref());
        Ok(Self {
            path: JsonPath::from(path),
            shown: path.to_string(),
            source: shown(&mirror.way.source),
            place: mirror.place(),
            verdict: verdict(&explanation.outcome),
            reason: explanation.outcome.to_string(),
            filter: filter.matching(path, now_is_directory(&explanation).unwrap_or(is_directory)),
            at_mirror: row.as_ref().and_then(|row| row.acknowledged.as_ref()).map(AtMirror::of),
            last_read: reading.map(|reading| LastRead::of(reading, explanation.proof)),
            now: explanation.stat.as_ref().map(Now::of),
            differing: explanation.differing.iter().map(ToString::to_string).collect(),
            waits: known.postponed.get(path).map(|postponement| Waiting::new(path, postponement)),
            held: held(mirror, path)?,
            revision: mirror.snapshot.standing()?.head.number,
            acknowledged: mirror.snapshot.last_acknowledgement()?.map(|(_, at)| Moment(at)),
        })
    }

    /// As people read it.
    pub(crate) fn text(&self, now: Timestamp) -> String {
        text::why(self, now)
    }
}

/// What a round with the last one's settings would make of it. Where the source itself cannot be opened, that is the
/// answer.
fn explained(
    mirror: &OwnMirror,
    path: &RelPath,
    row: Option<&Row>,
    filter: &Filter,
    fs: &dyn Fs,
    clock: &dyn Clock,
) -> Result<Explanation, Failure> {
    let way = &mirror.way;
    let rules = Rules {
        settle: way.settle,
        ignore_inodes: way.ignore_inodes,
        ignore_ctimes: way.ignore_ctimes,
        ..Rules::default()
    };
    match fs.open_root(&way.source) {
        Ok(root) => {
            let (root, known) = (Arc::clone(&root), mirror.snapshot.known()?);
            Ok(explain(&Question { root: &root, path, row, rules: &rules, known: &known, filter, clock }))
        }
        Err(error) => {
            let outcome = Outcome::Unknown(error);
            Ok(Explanation { stat: None, differing: Vec::new(), proof: None, outcome })
        }
    }
}

fn now_is_directory(explanation: &Explanation) -> Option<bool> {
    explanation.stat.as_ref().map(|stat| stat.kind == seams::fs::FileKind::Directory)
}

/// The list that holds a change of this path, or of a directory above it.
fn held(mirror: &OwnMirror, path: &RelPath) -> Result<Option<String>, Failure> {
    let lists = mirror.snapshot.held_lists()?;
    let about =
        |changed: &RelPath| changed == path || path.ancestors().any(|above| !above.is_root() && above == *changed);
    let holding = lists.iter().find(|list| list.changes.iter().any(|(change, _)| about(change.path())));
    Ok(holding.map(|list| list.digest.to_string()))
}

/// An outcome in a word, for programs.
const fn verdict(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Delivered => "to_be_delivered",
        Outcome::Read(_) => "to_be_read",
        Outcome::Gone => "gone",
        Outcome::Nowhere => "nowhere",
        Outcome::LeftOut(_) => "left_out",
        Outcome::Waits(_) => "waits",
        Outcome::Young => "young",
        Outcome::Special => "special",
        Outcome::Unknown(_) => "unknown",
    }
}

#[cfg(test)]
#[path = "why/tests.rs"]
mod tests;
