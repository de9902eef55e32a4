//! `roundsman history`: the rounds of a mirror, or the versions of one path. Changes nothing.

use std::path::{Path, PathBuf};

use indicatif::BinaryBytes;
use protocol::wire::{Began, Version};
use protocol::{Entry, Metadata, RelPath};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::json_bytes::JsonBytes;
use crate::moments::{Moment, local, precise};
use crate::output::{JsonPath, Output, Summary, changes};
use crate::past::{MirrorPast, Reached, RoundOf, Rounds, call_failure};
use crate::settings::PastSettings;
use crate::stop::Stop;

/// Digits of a round's id that people see.
const ROUND_DIGITS: usize = 12;

/// How a version came to be of which nothing older is kept: created then, or at any time before.
const OLDEST_KEPT: &str = "oldest";

/// Tells a mirror's rounds, or the versions of a path, the newest last.
pub(crate) fn history(
    path: Option<&Path>,
    settings: &PastSettings,
    state_dir: &Path,
    output: &Output,
) -> Result<Exit, Failure> {
    let stop = Stop::on_signals(None)?;
    let typed: Vec<PathBuf> = path.map(Path::to_owned).into_iter().collect();
    let reached = Reached::find(settings, state_dir, &typed, &stop)?;
    let past = reached.past();
    let path = path.map(|path| reached.path(path)).transpose()?.filter(|path| !path.is_root());
    match path {
        None => rounds(&past, &stop, output),
        Some(path) => versions(&past, &path, &stop, output),
    }
}

fn rounds(past: &MirrorPast<'_>, stop: &Stop, output: &Output) -> Result<Exit, Failure> {
    let mut rounds = Rounds::of(past);
    while let Some(round) = rounds.next().map_err(|error| call_failure(error, stop))? {
        output.answer(&round_text(&round), &RoundLine::of(&round));
    }
    Ok(Exit::Done)
}

fn versions(past: &MirrorPast<'_>, path: &RelPath, stop: &Stop, output: &Output) -> Result<Exit, Failure> {
    let (versions, left_out) = past.versions(path).map_err(|error| call_failure(error, stop))?;
    if versions.is_empty() {
        return Err(Failure::usage(format!("the mirror {} never had {path}", past.mirror))
            .hint("a path is named as it is, or was, in the mirror"));
    }
    if left_out {
        output.message("older versions are left out");
    }
    if versions.iter().any(|version| version.may_be_older) {
        output.message("what was before the oldest of these is not kept any more");
    }
    for event in events(&versions) {
        match event {
            Event::Began(version) => output.answer(&version_text(version), &VersionLine::of(version)),
            // Programs read it from the version's own end.
            Event::Went(version) if !output.is_for_programs() => output.answer(&went_text(version), &()),
            Event::Went(_) => {}
        }
    }
    Ok(Exit::Done)
}

/// What happened, in order.
enum Event<'a> {
    Began(&'a Version),
    /// It ended and nothing came in its place.
    Went(&'a Version),
}

fn events(versions: &[Version]) -> Vec<Event<'_>> {
    let mut events: Vec<(u64, bool, Event<'_>)> = Vec::new();
    for version in versions {
        events.push((version.from, true, Event::Began(version)));
        if let Some(ended) = version.until
            && !versions.iter().any(|next| next.from == ended.revision)
        {
            events.push((ended.revision, false, Event::Went(version)));
        }
    }
    events.sort_by_key(|(revision, begins, _)| (*revision, *begins));
    events.into_iter().map(|(_, _, event)| event).collect()
}

fn round_text(round: &RoundOf) -> String {
    let RoundOf { first, last, committed_at, counts, .. } = round;
    let revisions = if first == last { first.to_string() } else { format!("{first}-{last}") };
    let summary = Summary {
        created: counts.created,
        modified: counts.modified + counts.replaced,
        metadata: counts.metadata,
        moved: counts.moved,
        deleted: counts.deleted,
        ..Summary::default()
    };
    let id = round.round.id.to_hex();
    format!("{}  revision {revisions:<9}  round {}  {}\n", local(*committed_at), &id[..ROUND_DIGITS], changes(&summary))
}

fn version_text(version: &Version) -> String {
    let Version { from, from_time, listed, began, .. } = version;
    let how = match began {
        Began::Created if version.may_be_older => OLDEST_KEPT,
        Began::Created => "created",
        Began::Modified => "modified",
        Began::Metadata => "metadata",
        Began::Moved { .. } => "moved",
    };
    let metadata = listed.entry.metadata();
    let what = match &listed.entry {
        Entry::File { size, .. } => BinaryBytes(*size).to_string(),
        Entry::Directory { .. } => "directory".to_owned(),
        Entry::Symlink { .. } => "symlink".to_owned(),
    };
    let place = match began {
        Began::Moved { from } => format!("{from} -> {}", listed.path),
        _ => listed.path.to_string(),
    };
    let (time, mtime) = (local(*from_time), local(metadata.mtime));
    format!("{time}  revision {from:<9}  {how:<8}  {what:>10}  {:04o}  of {mtime}  {place}\n", metadata.mode)
}

fn went_text(version: &Version) -> String {
    let Some(ended) = version.until else { return String::new() };
    let (time, path) = (local(ended.time), &version.listed.path);
    format!("{time}  revision {:<9}  {:<8}  {:>10}  {:4}  {:22}  {path}\n", ended.revision, "gone", "", "", "")
}

#[derive(Serialize)]
struct RoundLine {
    message_type: &'static str,
    round: String,
    started: Moment,
    committed: Moment,
    first_revision: u64,
    revision: u64,
    created: u64,
    modified: u64,
    metadata: u64,
    moved: u64,
    deleted: u64,
    kind_changed: u64,
}

impl RoundLine {
    fn of(round: &RoundOf) -> Self {
        let RoundOf { round, first, last, committed_at, counts } = round;
        Self {
            message_type: "round",
            round: round.id.to_hex(),
            started: Moment(round.started),
            committed: Moment(*committed_at),
            first_revision: *first,
            revision: *last,
            created: counts.created,
            modified: counts.modified,
            metadata: counts.metadata,
            moved: counts.moved,
            deleted: counts.deleted,
            kind_changed: counts.replaced,
        }
    }
}

#[derive(Serialize)]
struct VersionLine {
    message_type: &'static str,
    #[serde(flatten)]
    path: JsonPath,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_from: Option<JsonPath>,
    revision: u64,
    time: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_time: Option<Moment>,
    kind: &'static str,
    mode: String,
    mtime: String,
    uid: u32,
    gid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<JsonBytes>,
}

impl VersionLine {
    fn of(version: &Version) -> Self {
        let Metadata { mode, mtime, uid, gid, .. } = version.listed.entry.metadata();
        let content = version.listed.entry.content();
        let (change, moved_from) = match &version.began {
            Began::Created if version.may_be_older => (OLDEST_KEPT, None),
            Began::Created => ("created", None),
            Began::Modified => ("modified", None),
            Began::Metadata => ("metadata", None),
            Began::Moved { from } => ("moved", Some(from.into())),
        };
        let (kind, target) = match &version.listed.entry {
            Entry::Directory { .. } => ("directory", None),
            Entry::File { .. } => ("file", None),
            Entry::Symlink { target, .. } => ("symlink", Some(JsonBytes(target.as_bytes().to_vec()))),
        };
        Self {
            message_type: "version",
            path: (&version.listed.path).into(),
            change,
            moved_from,
            revision: version.from,
            time: Moment(version.from_time),
            until_revision: version.until.map(|ended| ended.revision),
            until_time: version.until.map(|ended| Moment(ended.time)),
            kind,
            mode: format!("{mode:04o}"),
            mtime: precise(*mtime),
            uid: *uid,
            gid: *gid,
            size: content.map(|(_, size)| size),
            content: content.map(|(content, _)| content.to_hex()),
            target,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::Timestamp;
    use protocol::wire::Listed;

    use super::*;

    #[test]
    fn what_may_be_older_is_not_said_to_be_created() {
        let path = RelPath::parse(b"a").expect("a valid path");
        let entry = Entry::Directory { metadata: Metadata::default() };
        let (from_time, listed) = (Timestamp::from_nanos(5), Listed { path, entry });
        let version = Version { from: 3, from_time, until: None, listed, began: Began::Created, may_be_older: true };
        let words = |version: &Version| (version_text(version), VersionLine::of(version).change);
        let (text, change) = words(&version);
        assert!(text.contains("oldest") && !text.contains("created"), "{text}");
        assert_eq!(change, "oldest");
        let (text, change) = words(&Version { may_be_older: false, ..version });
        assert!(text.contains("created"), "{text}");
        assert_eq!(change, "created");
    }
}
