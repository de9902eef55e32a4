//! [`lines`]: what a round came to, line by line, sorted by path, however long it is.
//!
//! What was delivered past what fits in memory is read back from the scratch, page by page, and told in between.

use std::io;
use std::iter::Peekable;

use protocol::{Change, Kind};
use scanner::plain_change;
use seams::scratch::{Pages, Plain};

use crate::output::{Line, sorted};
use crate::round::Report;

/// All lines of a report, sorted.
pub(crate) fn lines(report: &Report) -> impl Iterator<Item = io::Result<Line>> {
    let changes = report.changes.iter().map(|change| line(report, change));
    let held = report.held.iter().map(|held| Line::held(&held.change, is_directory(report, &held.change), &*held.why));
    let problems = report.problems.iter().map(|(path, reason)| Line::problem(path.clone(), reason));
    let deferred = report.deferred.iter().map(|(path, reason)| Line::deferred(path.clone(), reason));
    let kept = sorted(changes.chain(held).chain(problems).chain(deferred).collect());
    let spilled = spilled(report).map(|plain| plain.map(|plain| line_of_plain(plain).0));
    Merged { left: kept.into_iter().peekable(), right: spilled.peekable(), is_first: |a, b| a.place() <= b.place() }
}

/// The changes of a dry run, also those that are held, with their lines, sorted by path.
pub(crate) fn planned(report: &Report) -> impl Iterator<Item = io::Result<(Line, Change)>> {
    let held = report.held.iter().map(|held| &held.change);
    let mut kept: Vec<(Line, Change)> =
        report.changes.iter().chain(held).map(|change| (line(report, change), change.clone())).collect();
    kept.sort_by(|a, b| a.1.path().cmp(b.1.path()));
    let spilled = spilled(report).map(|plain| plain.map(line_of_plain));
    let is_first = |a: &(Line, Change), b: &(Line, Change)| a.1.path() <= b.1.path();
    Merged { left: kept.into_iter().peekable(), right: spilled.peekable(), is_first }
}

fn spilled(report: &Report) -> impl Iterator<Item = io::Result<Plain>> {
    report.spilled.iter().flat_map(|scratch| Pages::of(&**scratch))
}

fn line(report: &Report, change: &Change) -> Line {
    match change {
        Change::Modify { path, .. } if report.silent.contains(path) => Line::silent(change),
        _ => Line::of(change, is_directory(report, change)),
    }
}

fn is_directory(report: &Report, change: &Change) -> bool {
    report.directories.contains(change.path())
}

fn line_of_plain(plain: Plain) -> (Line, Change) {
    let is_directory = plain.now.kind() == Kind::Directory;
    let change = plain_change(plain);
    (Line::of(&change, is_directory), change)
}

/// Two sorted sequences as one, of which the second is read and may fail.
struct Merged<T, L: Iterator<Item = T>, R: Iterator<Item = io::Result<T>>> {
    left: Peekable<L>,
    right: Peekable<R>,
    is_first: fn(&T, &T) -> bool,
}

impl<T, L: Iterator<Item = T>, R: Iterator<Item = io::Result<T>>> Iterator for Merged<T, L, R> {
    type Item = io::Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_left = match (self.left.peek(), self.right.peek()) {
            (Some(left), Some(Ok(right))) => (self.is_first)(left, right),
            (Some(_), None) => true,
            (Some(_) | None, _) => false,
        };
        if is_left { self.left.next().map(Ok) } else { self.right.next() }
    }
}
