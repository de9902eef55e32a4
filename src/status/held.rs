//! [`Held`]: a held list as people and programs read it.

use protocol::Change;
use serde::{Serialize, Serializer};
use snapshot_db::{Decision, HeldList};

use crate::moments::Moment;
use crate::output::{JsonPath, Mark};

/// Changes that wait for a person, or that a person approved and no round delivered yet.
#[derive(Debug, Serialize)]
pub(crate) struct Held {
    /// What to type.
    pub(crate) digest: String,
    /// Files that would cease to exist.
    pub(crate) files: u64,
    /// Since when it is held.
    pub(crate) since: Moment,
    /// `approved` or `rejected`; nothing while nobody decided.
    #[serde(serialize_with = "in_a_word")]
    pub(crate) decision: Option<Decision>,
    /// When that was.
    pub(crate) decided: Option<Moment>,
    /// The changes, in their order.
    pub(crate) changes: Vec<HeldChange>,
}

/// One of them.
#[derive(Debug, Serialize)]
pub(crate) struct HeldChange {
    change: &'static str,
    #[serde(flatten)]
    path: JsonPath,
    /// Files that would cease to exist by it.
    files: u64,
    /// As people read it.
    #[serde(skip)]
    pub(crate) shown: String,
}

impl From<HeldList> for Held {
    fn from(list: HeldList) -> Self {
        Self {
            digest: list.digest.to_string(),
            files: list.files(),
            since: Moment(list.since),
            decision: list.decision.map(|(decision, _)| decision),
            decided: list.decision.map(|(_, at)| Moment(at)),
            changes: list.changes.iter().map(|(change, files)| HeldChange::new(change, *files)).collect(),
        }
    }
}

impl HeldChange {
    fn new(change: &Change, files: u64) -> Self {
        let mark = Mark::from(change.kind());
        let from = match change {
            Change::Move { from, .. } => format!("{from} -> "),
            _ => String::new(),
        };
        let ends = crate::output::counted(files, "file");
        let shown = format!("{} {from}{} ({ends})", mark.character(), change.path());
        Self { change: mark.word(), path: JsonPath::from(change.path()), files, shown }
    }
}

fn in_a_word<S: Serializer>(decision: &Option<Decision>, serializer: S) -> Result<S::Ok, S::Error> {
    decision.map(word).serialize(serializer)
}

/// A decision, for programs and people alike.
pub(crate) const fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Approved => "approved",
        Decision::Rejected => "rejected",
    }
}
