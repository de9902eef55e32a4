//! [`Restoring`]: tells what a restore does as it is done, and counts.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount};
use protocol::RelPath;
use restorer::{Deed, Listener};
use serde::Serialize;
use uploader::Traffic;

use crate::output::{Line, Mark, Output, counted};
use crate::progress::RestoreBar;

/// What a restore came to, in numbers; named as in the summary of a round where they mean the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct RestoreSummary {
    message_type: Summary,
    /// What came where nothing was.
    created: u64,
    /// What another gave way to.
    modified: u64,
    /// What has its metadata back.
    metadata: u64,
    /// What went back to where it was.
    moved: u64,
    /// What was removed.
    deleted: u64,
    /// What was so already.
    unchanged: u64,
    /// What could not be restored, or was left as it is.
    pub(crate) problems: u64,
    /// Files that came or were so already.
    files_seen: u64,
    /// Bytes of contents that were fetched, or found to have been by an earlier run.
    contents_fetched: u64,
    /// HTTP bodies and heads sent, also to an embedded receiver.
    bytes_sent: u64,
    /// HTTP bodies and heads received.
    bytes_received: u64,
    /// HTTP requests made.
    requests: u64,
    /// The revision as of which it was restored.
    pub(crate) revision: u64,
    /// How long it took.
    seconds: f64,
    /// Whether nothing was done.
    pub(crate) dry_run: bool,
    /// Below which directory, as people write it.
    pub(crate) into: String,
    /// Whether it ended early.
    pub(crate) failed: bool,
    /// Whether a signal ended it.
    pub(crate) stopped: bool,
}

/// Always the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
enum Summary {
    #[default]
    Summary,
}

impl RestoreSummary {
    /// The same after so much time and traffic.
    pub(crate) fn took(self, time: Duration, traffic: Traffic) -> Self {
        let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let Traffic { requests, bytes_sent, bytes_received } = traffic;
        Self { seconds: f64::from(milliseconds) / 1000.0, requests, bytes_sent, bytes_received, ..self }
    }

    /// The last line for people; nothing where it ended early, for the error says it all.
    pub(crate) fn text(&self) -> String {
        if self.failed {
            return String::new();
        }
        let counts = [
            (self.created, "created"),
            (self.modified, "replaced"),
            (self.metadata, "with new metadata"),
            (self.moved, "moved back"),
            (self.deleted, "removed"),
            (self.unchanged, "there already"),
            (self.problems, if self.problems == 1 { "problem" } else { "problems" }),
        ];
        let some = counts.iter().filter(|(count, _)| *count > 0);
        let shown: Vec<_> = some.map(|(count, word)| format!("{} {word}", HumanCount(*count))).collect();
        let done = if shown.is_empty() { "nothing to restore".to_owned() } else { shown.join(", ") };
        let how = if self.dry_run { "dry run, nothing was done: " } else { "" };
        let (files, fetched) = (counted(self.files_seen, "file"), BinaryBytes(self.contents_fetched));
        let Self { revision, seconds, into, .. } = self;
        format!(
            "{how}{done}; {files}, {fetched} fetched in {seconds:.1} s; revision {revision}, restored into: {into}\n"
        )
    }
}

/// Tells line by line, as wanted.
#[derive(Debug)]
pub(crate) struct Restoring<'a> {
    output: &'a Output,
    /// Whether each thing is told, or only problems.
    each: bool,
    bar: RestoreBar,
    counts: Mutex<RestoreSummary>,
}

impl<'a> Restoring<'a> {
    /// From now on.
    pub(crate) fn new(output: &'a Output, each: bool) -> Self {
        Self { output, each, bar: output.restoring(), counts: Mutex::default() }
    }

    /// What it came to.
    pub(crate) fn summary(self) -> RestoreSummary {
        self.counts.into_inner().expect("no holder of this lock panics")
    }

    fn count(&self, count: impl FnOnce(&mut RestoreSummary)) {
        count(&mut self.counts.lock().expect("no holder of this lock panics"));
    }
}

impl Listener for Restoring<'_> {
    fn did(&self, path: &RelPath, is_directory: bool, deed: Deed) {
        self.count(|counts| {
            *counter(counts, &deed) += 1;
            counts.files_seen += u64::from(!is_directory && deed != Deed::Removed);
        });
        let (mark, from) = match deed {
            Deed::Created => (Mark::Created, None),
            Deed::Replaced => (Mark::Modified, None),
            Deed::Metadata => (Mark::Metadata, None),
            Deed::Removed => (Mark::Deleted, None),
            Deed::Moved { from } => (Mark::Moved, Some(from)),
            Deed::Unchanged => return,
        };
        if self.each {
            self.output.lines([Line::did(mark, path.clone(), from, is_directory)]);
        }
    }

    fn problem(&self, path: &RelPath, reason: &str) {
        self.count(|counts| counts.problems += 1);
        self.output.lines([Line::problem(path.clone(), reason)]);
    }

    fn expects(&self, bytes: u64) {
        self.bar.expects(bytes);
    }

    fn fetched(&self, bytes: u64) {
        self.bar.came(bytes);
        self.count(|counts| counts.contents_fetched += bytes);
    }
}

fn counter<'a>(counts: &'a mut RestoreSummary, deed: &Deed) -> &'a mut u64 {
    match deed {
        Deed::Created => &mut counts.created,
        Deed::Replaced => &mut counts.modified,
        Deed::Metadata => &mut counts.metadata,
        Deed::Moved { .. } => &mut counts.moved,
        Deed::Removed => &mut counts.deleted,
        Deed::Unchanged => &mut counts.unchanged,
    }
}
