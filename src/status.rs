//! [`MirrorStatus`]: how one mirror stands, as the snapshot knows it. Asks nobody and looks at no source.

mod held;
mod text;
mod waiting;

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::Timestamp;
use seams::known::PostponedKind;
use serde::Serialize;
use snapshot_db::{RoundRecord, SnapshotError};

use crate::moments::Moment;
use crate::output::{JsonPath, Summary};
use crate::own_mirrors::OwnMirror;
use crate::route::shown;
use held::Held;
pub(crate) use held::word;
pub(crate) use text::subject;
pub(crate) use waiting::Waiting;

/// Rounds that are told of.
const ROUNDS: u32 = 10;

/// How a mirror stands. The names of the fields are a contract with programs.
#[derive(Debug, Serialize)]
#[serde(tag = "message_type", rename = "mirror")]
pub(crate) struct MirrorStatus {
    /// The source; escaped for people where it is not UTF-8.
    source: String,
    /// Then also exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_base64: Option<String>,
    /// The mirror's name.
    mirror: String,
    /// Where it lies.
    place: String,
    /// The number of the newest acknowledged revision.
    revision: u64,
    /// When a round last ended with a new one; nothing before the first.
    acknowledged: Option<Moment>,
    /// Acknowledged files.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// The last rounds, the newest first.
    rounds: Vec<Round>,
    /// What was read and not delivered yet.
    pending: Pending,
    /// The lists that wait for a person, or that a person approved and no round delivered yet.
    held: Vec<Held>,
    /// What had problems in the last round.
    problems: Vec<Waiting>,
    /// What was deferred.
    deferred: Vec<Waiting>,
    /// What the receiver refused.
    refused: Vec<Waiting>,
    /// The file whose bytes were read longest ago; nothing if none was.
    oldest_unverified: Option<Oldest>,
}

/// A round that ended.
#[derive(Debug, Serialize)]
struct Round {
    started: Moment,
    finished: Moment,
    exit_code: u8,
    summary: Summary,
}

#[derive(Debug, Serialize)]
struct Pending {
    files: u64,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct Oldest {
    #[serde(flatten)]
    path: JsonPath,
    verified: Moment,
    /// The path as people read it.
    #[serde(skip)]
    shown: String,
}

impl MirrorStatus {
    /// Reads it from the mirror's snapshot.
    ///
    /// # Errors
    /// The snapshot cannot be read.
    pub(crate) fn of(mirror: &OwnMirror) -> Result<Self, SnapshotError> {
        let snapshot = &mirror.snapshot;
        let (counts, pending) = (snapshot.counts()?, snapshot.pending()?);
        let postponed = snapshot.known()?.postponed;
        let waiting = |kind: PostponedKind| Waiting::of_kind(&postponed, kind);
        Ok(Self {
            source: shown(&mirror.way.source),
            source_base64: exactly(&mirror.way.source),
            mirror: mirror.way.mirror.to_string(),
            place: mirror.place(),
            revision: snapshot.standing()?.head.number,
            acknowledged: snapshot.last_acknowledgement()?.map(|(_, at)| Moment(at)),
            files: counts.files,
            bytes: counts.bytes,
            rounds: snapshot.last_rounds(ROUNDS)?.into_iter().map(Round::from).collect(),
            pending: Pending { files: pending.files, bytes: pending.bytes },
            held: snapshot.held_lists()?.into_iter().map(Held::from).collect(),
            problems: waiting(PostponedKind::Problem),
            deferred: waiting(PostponedKind::Deferred),
            refused: waiting(PostponedKind::Refused),
            oldest_unverified: snapshot.oldest_verified()?.map(|(path, verified)| Oldest {
                path: JsonPath::from(&path),
                verified: Moment(verified),
                shown: path.to_string(),
            }),
        })
    }

    /// As people read it.
    pub(crate) fn text(&self, now: Timestamp) -> String {
        text::status(self, now)
    }
}

/// A path in base64, where its text does not say it exactly.
fn exactly(path: &Path) -> Option<String> {
    path.to_str().is_none().then(|| STANDARD.encode(path.as_os_str().as_bytes()))
}

impl From<RoundRecord> for Round {
    /// What another version wrote of a round is left out where this one does not understand it.
    fn from(record: RoundRecord) -> Self {
        Self {
            started: Moment(record.started),
            finished: Moment(record.finished),
            exit_code: record.exit,
            summary: serde_json::from_str(&record.summary).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
#[path = "status/tests.rs"]
mod tests;
