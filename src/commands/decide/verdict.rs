//! [`Verdict`]: what a decision came to, and what happens next.

use protocol::Timestamp;
use serde::{Serialize, Serializer};
use snapshot_db::{Decided, Decision, HeldDigest, HeldList};

use crate::exit::{Exit, Failure};
use crate::moments::{Moment, told};
use crate::output::counted;
use crate::own_mirrors::OwnMirror;
use crate::route::shown;
use crate::status::word;

/// A decision that holds. The names of the fields are a contract with programs.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename = "decision")]
pub(crate) struct Verdict {
    /// The list.
    digest: String,
    /// `approved` or `rejected`.
    #[serde(serialize_with = "in_a_word")]
    decision: Decision,
    /// Since when that holds.
    decided: Moment,
    /// Whether it held before this command.
    already: bool,
    /// Whether the changes were delivered already.
    let_go: bool,
    /// Changes on the list; none where they were let go.
    changes: usize,
    /// Files that cease to exist by them.
    files: u64,
    /// The source.
    source: String,
    /// Where the mirror lies.
    place: String,
}

impl Verdict {
    /// What came of a decision that was asked for; a failure where an earlier one stands against it.
    pub(super) fn of(
        mirror: &OwnMirror,
        digest: HeldDigest,
        list: Option<&HeldList>,
        asked: Decision,
        decided: Decided,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let (decision, at, already) = match decided {
            Decided::Held { before, now: (decision, at) } => (decision, at, before.map(|(b, _)| b) == Some(decision)),
            Decided::LetGo(at) => (Decision::Approved, at, true),
            Decided::Unknown => {
                return Err(failed(format!("{digest} is not held any more"), "`roundsman status` says what is"));
            }
        };
        let let_go = matches!(decided, Decided::LetGo(_));
        match (asked, decision) {
            (Decision::Approved, Decision::Rejected) => {
                let message = format!("{digest} was rejected {}", told(at, now));
                Err(failed(message, "it can be approved when what is held has changed"))
            }
            (Decision::Rejected, Decision::Approved) => {
                let message = format!("{digest} was approved {} and has been let go", told(at, now));
                Err(failed(message, "the old versions are kept at the receiver"))
            }
            _ => Ok(Self {
                digest: digest.to_string(),
                decision,
                decided: Moment(at),
                already,
                let_go,
                changes: list.map_or(0, |list| list.changes.len()),
                files: list.map_or(0, HeldList::files),
                source: shown(&mirror.way.source),
                place: mirror.place(),
            }),
        }
    }

    /// As people read it.
    pub(super) fn text(&self, now: Timestamp) -> String {
        let Self { digest, source, place, .. } = self;
        let word = word(self.decision);
        let when =
            if self.already { format!("was {word} {} already", self.decided.told(now)) } else { format!("is {word}") };
        format!("{digest} {when}: {}\n  {source} -> {place}\n", self.what_next())
    }

    fn what_next(&self) -> String {
        let changes = counted(u64::try_from(self.changes).unwrap_or(u64::MAX), "change");
        let files = counted(self.files, "file");
        match self.decision {
            Decision::Approved if self.let_go => "it has been let go".to_owned(),
            Decision::Approved => {
                format!("the next round lets exactly these go: {changes}, by which {files} would cease to exist")
            }
            Decision::Rejected => {
                format!("{changes}, {files}: all stays at the mirror, and nobody is asked again until the list changes")
            }
        }
    }
}

fn in_a_word<S: Serializer>(decision: &Decision, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*decision))
}

fn failed(message: String, hint: &str) -> Failure {
    Failure::new(Exit::Failed, anyhow::anyhow!(message)).hint(hint)
}
