//! [`Line`]: one line of a plan, or of what became of it.

use protocol::{Change, ChangeKind, Kind, RelPath};

/// What a line is about. The characters are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// `+`
    Created,
    /// `M`
    Modified,
    /// `?`
    Silent,
    /// `U`
    Metadata,
    /// `R`
    Moved,
    /// `-`
    Deleted,
    /// `T`
    KindChanged,
    /// `!`
    Problem,
    /// `~`
    Deferred,
    /// `H`
    Held,
}

impl Mark {
    /// How the line begins.
    pub(crate) const fn character(self) -> char {
        match self {
            Self::Created => '+',
            Self::Modified => 'M',
            Self::Silent => '?',
            Self::Metadata => 'U',
            Self::Moved => 'R',
            Self::Deleted => '-',
            Self::KindChanged => 'T',
            Self::Problem => '!',
            Self::Deferred => '~',
            Self::Held => 'H',
        }
    }

    /// The same in a word, for programs.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Silent => "silent",
            Self::Metadata => "metadata",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::KindChanged => "kind_changed",
            Self::Problem => "problem",
            Self::Deferred => "deferred",
            Self::Held => "held",
        }
    }

    /// Whether somebody should hear of it who wants to hear nothing else.
    pub(crate) const fn is_trouble(self) -> bool {
        matches!(self, Self::Problem | Self::Deferred | Self::Held)
    }
}

impl From<ChangeKind> for Mark {
    fn from(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Create => Self::Created,
            ChangeKind::Modify => Self::Modified,
            ChangeKind::Metadata => Self::Metadata,
            ChangeKind::Delete => Self::Deleted,
            ChangeKind::Move => Self::Moved,
            ChangeKind::Replace => Self::KindChanged,
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// What it is about.
    pub(crate) mark: Mark,
    /// The path; the new one of a move.
    pub(crate) path: RelPath,
    /// The old path of a move.
    pub(crate) from: Option<RelPath>,
    /// Whether the path is a directory.
    pub(crate) is_directory: bool,
    /// Why, of problems and of what is deferred or held.
    pub(crate) reason: Option<String>,
    /// What would have been done, of what is held.
    pub(crate) planned: Option<Mark>,
}

impl Line {
    /// The line of a change. Of a delete and a metadata change, the change itself does not say whether it is about a
    /// directory: `was_directory` does.
    pub(crate) fn of(change: &Change, was_directory: bool) -> Self {
        let from = match change {
            Change::Move { from, .. } => Some(from.clone()),
            _ => None,
        };
        let is_directory = change.entry().map_or(was_directory, |entry| entry.kind() == Kind::Directory);
        let (mark, path) = (change.kind().into(), change.path().clone());
        Self { mark, path, from, is_directory, reason: None, planned: None }
    }

    /// The same of a content that changed although nothing else of the file shows it.
    pub(crate) fn silent(change: &Change) -> Self {
        Self { mark: Mark::Silent, ..Self::of(change, false) }
    }

    /// The same of a change that waits for a person's approval.
    pub(crate) fn held(change: &Change, was_directory: bool, reason: impl Into<String>) -> Self {
        let line = Self::of(change, was_directory);
        Self { planned: Some(line.mark), mark: Mark::Held, reason: Some(reason.into()), ..line }
    }

    /// What a restore did.
    pub(crate) fn did(mark: Mark, path: RelPath, from: Option<RelPath>, is_directory: bool) -> Self {
        Self { mark, path, from, is_directory, reason: None, planned: None }
    }

    /// A path with a problem: nothing at or below it was deleted.
    pub(crate) fn problem(path: RelPath, reason: impl Into<String>) -> Self {
        Self::without_change(Mark::Problem, path, reason.into())
    }

    /// A path that waits for the next round.
    pub(crate) fn deferred(path: RelPath, reason: impl Into<String>) -> Self {
        Self::without_change(Mark::Deferred, path, reason.into())
    }

    /// Where it comes among others: by path, then by mark.
    pub(crate) fn place(&self) -> (&RelPath, Mark) {
        (&self.path, self.mark)
    }

    fn without_change(mark: Mark, path: RelPath, reason: String) -> Self {
        Self { mark, path, from: None, is_directory: false, reason: Some(reason), planned: None }
    }
}

/// Lines in the order in which they are shown: by path, then by mark.
pub(crate) fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|a, b| a.place().cmp(&b.place()));
    lines
}
