//! What people read. Values in, text out; names are escaped, so that none can rewrite a line or hide one.

use std::collections::BTreeMap;

use clap::builder::styling::{AnsiColor, Style};
use indicatif::{BinaryBytes, HumanCount};
use protocol::RelPath;

use super::line::{Line, Mark};
use super::summary::Summary;

/// One line of a plan, such as `R old -> new/`.
pub(super) fn line(line: &Line, colored: bool) -> String {
    let path = path(&line.path, line.is_directory);
    let shown = match &line.from {
        Some(from) => format!("{} -> {path}", self::path(from, line.is_directory)),
        None => path,
    };
    let style = if colored { style(line.mark) } else { Style::new() };
    format!("{style}{} {shown}{style:#}\n", line.mark.character())
}

/// What went wrong with a path, for stderr; nothing if nothing did. What is held is told together: [`held`].
pub(super) fn trouble(line: &Line) -> String {
    let word = match line.mark {
        Mark::Problem => "Problem",
        Mark::Deferred => "Deferred",
        _ => return String::new(),
    };
    let reason = line.reason.as_deref().unwrap_or("no reason was given");
    format!("{word}: {}: {reason}\n", path(&line.path, line.is_directory))
}

/// What is held, for stderr: one line a reason, however many paths it holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// By reason: how many, and the first path.
    reasons: BTreeMap<String, (u64, String)>,
}

impl Held {
    /// Notes a line, if it is of something that is held.
    pub(super) fn note(&mut self, line: &Line) {
        if line.mark != Mark::Held {
            return;
        }
        let reason = line.reason.as_deref().unwrap_or("no reason was given");
        match self.reasons.get_mut(reason) {
            Some((count, _)) => *count += 1,
            None => drop(self.reasons.insert(reason.to_owned(), (1, path(&line.path, line.is_directory)))),
        }
    }

    /// The lines.
    pub(super) fn text(&self) -> String {
        let told = self.reasons.iter().map(|(reason, (count, first))| {
            let others = if *count > 1 { format!(" and {} more", HumanCount(count - 1)) } else { String::new() };
            format!("Held: {first}{others}: {reason}\n")
        });
        told.collect()
    }
}

/// What to type about the held list; nothing where there is none.
pub(super) fn approval(summary: &Summary) -> String {
    let ask = |digest: &String| {
        format!("Held: to let it go: `roundsman approve {digest}`; to stop being asked: `roundsman reject {digest}`\n")
    };
    summary.held_list.as_ref().map(ask).unwrap_or_default()
}

/// That paths at the mirror are left out now; nothing where none are.
pub(super) fn excluded(summary: &Summary) -> String {
    match summary.excluded_kept {
        0 => String::new(),
        1 => "Note: 1 path is left out now and stays at the mirror as it is; --delete-excluded deletes it there\n"
            .to_owned(),
        count => format!(
            "Note: {} paths are left out now and stay at the mirror as they are; --delete-excluded deletes them there\n",
            HumanCount(count)
        ),
    }
}

/// The last line: what was done, and where the mirror lies.
pub(super) fn summary(summary: &Summary) -> String {
    let Summary { files_seen, bytes_seen, bytes_sent, seconds, mirror, .. } = summary;
    let how = match summary {
        Summary { dry_run: true, .. } => "dry run, nothing was done: ",
        Summary { stopped: true, .. } => "stopped before everything was delivered: ",
        _ => "",
    };
    let seen = format!("{} ({})", counted(*files_seen, "file"), BinaryBytes(*bytes_seen));
    let sent = format!("{} sent{}", BinaryBytes(*bytes_sent), not_sent(summary));
    format!("{how}{}; {seen} seen, {sent} in {seconds:.1} s; mirror: {mirror}\n", changes(summary))
}

/// What needed not be sent, in words: ` (1.10 GiB reused, 3.00 MiB saved)`.
fn not_sent(summary: &Summary) -> String {
    let saved = summary.contents_sent.saturating_sub(summary.contents_packed);
    let parts = [(summary.contents_reused, "reused"), (saved, "saved by compression")];
    let some = parts.iter().filter(|(bytes, _)| *bytes > 0);
    let shown: Vec<_> = some.map(|(bytes, word)| format!("{} {word}", BinaryBytes(*bytes))).collect();
    if shown.is_empty() { String::new() } else { format!(" ({})", shown.join(", ")) }
}

/// What changed, in words: `2 created, 1 deleted`.
pub(crate) fn changes(summary: &Summary) -> String {
    let counts = [
        (summary.created, "created"),
        (summary.modified, "modified"),
        (summary.silent, "of them silently"),
        (summary.metadata, "with new metadata"),
        (summary.moved, "moved"),
        (summary.deleted, "deleted"),
        (summary.held, "held"),
        (summary.deferred, "deferred"),
        (summary.mended, "damaged at the mirror put right"),
        (summary.problems, if summary.problems == 1 { "problem" } else { "problems" }),
        (summary.skipped, "skipped"),
    ];
    let some = counts.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<_> = some.map(|(count, word)| format!("{} {word}", HumanCount(*count))).collect();
    if shown.is_empty() { "nothing changed".to_owned() } else { shown.join(", ") }
}

/// A number and what it counts: `1 file`, `2,000 files`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", HumanCount(count), if count == 1 { "" } else { "s" })
}

/// A path as it is shown: a directory ends in `/`.
pub(super) fn path(path: &RelPath, is_directory: bool) -> String {
    format!("{path}{}", if is_directory { "/" } else { "" })
}

fn style(mark: Mark) -> Style {
    let color = match mark {
        Mark::Created => AnsiColor::Green,
        Mark::Modified | Mark::Metadata | Mark::KindChanged => AnsiColor::Yellow,
        Mark::Moved => AnsiColor::Cyan,
        Mark::Deleted => AnsiColor::Red,
        Mark::Problem => return AnsiColor::Red.on_default().bold(),
        Mark::Silent => return AnsiColor::Yellow.on_default().bold(),
        Mark::Held => return AnsiColor::Magenta.on_default().bold(),
        Mark::Deferred => AnsiColor::Magenta,
    };
    color.on_default()
}
