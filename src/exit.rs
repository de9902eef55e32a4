//! Exit codes: a contract with scripts. Codes may be added, never renamed or redefined.

mod failure;

use std::process::ExitCode;

pub(crate) use failure::Failure;

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Exit {
    /// 0
    #[default]
    Done,
    /// 1
    Failed,
    /// 2
    Usage,
    /// 3
    Problems,
    /// 10
    Unreachable,
    /// 11
    Locked,
    /// 12
    Refused,
    /// 13
    Fenced,
    /// 24
    Deferred,
    /// 25
    Held,
    /// 130
    Interrupted,
    /// 143
    Terminated,
}

impl Exit {
    /// Every way to end, by code.
    pub(crate) const ALL: [Self; 12] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::Problems,
        Self::Unreachable,
        Self::Locked,
        Self::Refused,
        Self::Fenced,
        Self::Deferred,
        Self::Held,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Problems => 3,
            Self::Unreachable => 10,
            Self::Locked => 11,
            Self::Refused => 12,
            Self::Fenced => 13,
            Self::Deferred => 24,
            Self::Held => 25,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What it means.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, whether something had changed or not",
            Self::Failed => "failed",
            Self::Usage => "wrong usage or configuration",
            Self::Problems => "done, but some paths had problems",
            Self::Unreachable => "receiver not reachable, try later",
            Self::Locked => "another round holds the lock",
            Self::Refused => "refused (token, certificate)",
            Self::Fenced => "fenced by another live client",
            Self::Deferred => "done, but some files vanished or were deferred",
            Self::Held => "done, but deletes are held",
            Self::Interrupted => "stopped by SIGINT before it was done",
            Self::Terminated => "stopped by SIGTERM before it was done",
        }
    }

    /// The order of precedence, the highest first: a signal, then what stopped a round, then what a done round left.
    const fn rank(self) -> u8 {
        match self {
            Self::Interrupted => 0,
            Self::Terminated => 1,
            Self::Failed => 2,
            Self::Usage => 3,
            Self::Unreachable => 4,
            Self::Locked => 5,
            Self::Refused => 6,
            Self::Fenced => 7,
            Self::Held => 8,
            Self::Problems => 9,
            Self::Deferred => 10,
            Self::Done => 11,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The one that counts when several apply; `Done` when none does.
pub(crate) fn worst(exits: impl IntoIterator<Item = Exit>) -> Exit {
    exits.into_iter().min_by_key(|exit| exit.rank()).unwrap_or_default()
}

/// The codes and what they mean, one a line, as `--help` shows them.
pub(crate) fn table() -> String {
    let lines = Exit::ALL.iter().map(|exit| format!("{:>5}  {}\n", exit.code(), exit.meaning()));
    lines.collect::<String>() + "When several apply: 1, 2 and 10 to 13 first, then 25, then 3, then 24."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_contract() {
        let codes = Exit::ALL.map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 10, 11, 12, 13, 24, 25, 130, 143]);
    }

    #[test]
    fn the_readme_has_each_code_with_its_meaning() {
        let readme = include_str!("../README.md");
        let done_or_not = Exit::ALL.iter().filter(|exit| !matches!(exit, Exit::Interrupted | Exit::Terminated));
        for exit in done_or_not {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(readme.contains(&row), "{row}");
        }
    }

    #[test]
    fn when_several_apply_what_stopped_a_round_comes_first_then_held_problems_deferred() {
        use Exit::{Deferred, Done, Failed, Fenced, Held, Locked, Problems, Refused, Terminated, Unreachable, Usage};
        let order = [Terminated, Failed, Usage, Unreachable, Locked, Refused, Fenced, Held, Problems, Deferred, Done];
        for (at, first) in order.iter().enumerate() {
            for later in &order[at..] {
                assert_eq!(worst([*later, *first]), *first);
                assert_eq!(worst([*first, *later]), *first);
            }
        }
        assert_eq!(worst([]), Done);
    }
}
