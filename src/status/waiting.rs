//! [`Waiting`]: a path that waits, why, and until when.

use std::collections::BTreeMap;

use protocol::RelPath;
use seams::known::{PostponedKind, Postponement};
use serde::Serialize;

use crate::moments::Moment;
use crate::output::JsonPath;

/// A path that waits.
#[derive(Debug, Serialize)]
pub(crate) struct Waiting {
    #[serde(flatten)]
    path: JsonPath,
    /// The path as people read it.
    #[serde(skip)]
    pub(super) shown: String,
    /// Why.
    pub(crate) reason: String,
    /// Since when.
    pub(crate) since: Moment,
    /// How often it was tried.
    pub(crate) tries: u32,
    last_try: Moment,
    /// When it is tried again.
    pub(crate) next_try: Moment,
}

impl Waiting {
    /// The paths that wait for one kind of reason, sorted.
    pub(super) fn of_kind(postponed: &BTreeMap<RelPath, Postponement>, kind: PostponedKind) -> Vec<Self> {
        let of_kind = postponed.iter().filter(|(_, postponement)| postponement.kind == kind);
        of_kind.map(|(path, postponement)| Self::new(path, postponement)).collect()
    }

    /// A path and why it waits.
    pub(crate) fn new(path: &RelPath, postponement: &Postponement) -> Self {
        Self {
            path: JsonPath::from(path),
            shown: path.to_string(),
            reason: postponement.reason.clone(),
            since: Moment(postponement.since),
            tries: postponement.tries,
            last_try: Moment(postponement.last_try),
            next_try: Moment(postponement.next_try),
        }
    }
}
