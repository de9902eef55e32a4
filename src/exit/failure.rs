//! [`Failure`]: why a command ended early, with the exit code it ends with and what the user can do.

use super::Exit;
use crate::plan_file::PlanFileError;
use crate::settings::mistake::{Mistake, Mistakes};
use crate::settings::token::TokenError;

/// A command that ended early.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The code it ends with.
    pub(crate) exit: Exit,
    /// What failed, on what, and why.
    pub(crate) error: anyhow::Error,
    /// What to do about it.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self { exit, error: error.into(), hint: None }
    }

    /// A mistake of whoever typed the command.
    pub(crate) fn usage(message: impl std::fmt::Display) -> Self {
        Self::new(Exit::Usage, anyhow::anyhow!("{message}"))
    }

    /// The same with a hint.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// As people read it: `Error: …`, then the causes that say something new, then the hint, each on one line.
    pub(crate) fn report(&self) -> String {
        let error = self.error.to_string();
        let mut causes: Vec<String> = Vec::new();
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if !causes.last().unwrap_or(&error).contains(&cause) {
                causes.push(cause);
            }
        }
        let causes = (!causes.is_empty()).then(|| format!("Caused by: {}\n", causes.join(": ")));
        let hint = self.hint.as_ref().map(|hint| format!("Hint: {hint}\n"));
        harmless(&format!("Error: {error}\n{}{}", causes.unwrap_or_default(), hint.unwrap_or_default()))
    }
}

/// The last line of defence where a message holds a name that nobody escaped.
fn harmless(report: &str) -> String {
    let shown = |character: char| match character {
        '\n' => "\n".to_owned(),
        plain if protocol::is_harmless(plain) => plain.to_string(),
        control => control.escape_default().to_string(),
    };
    report.chars().map(shown).collect()
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        let (exit, hint) = known(&error);
        Self { exit, error, hint }
    }
}

/// What goes with the errors of this crate; all others end with 1.
fn known(error: &anyhow::Error) -> (Exit, Option<String>) {
    let mistakes = error.downcast_ref::<Mistakes>().map(Mistakes::hint);
    let mistake = error.downcast_ref::<Mistake>().map(Mistake::hint);
    let token = error.downcast_ref::<TokenError>().map(|error| Some(error.hint()));
    let plan = error.downcast_ref::<PlanFileError>().map(|error| Some(error.hint()));
    match mistakes.or(mistake).or(token).or(plan) {
        Some(hint) => (Exit::Usage, hint),
        None => (Exit::Failed, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open /x: {0}")]
    struct Repeats(#[source] std::io::Error);

    #[test]
    fn each_cause_is_said_once_in_one_line_and_the_hint_comes_last() {
        let gone = || std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let failure =
            Failure::new(Exit::Failed, anyhow::Error::new(Repeats(gone())).context("no root").context("no round"));
        let expected = "Error: no round\nCaused by: no root: cannot open /x: no such file\nHint: look again\n";
        assert_eq!(failure.hint("look again").report(), expected);
    }

    #[test]
    fn a_mistake_ends_with_exit_code_2_and_its_own_hint() {
        let failure = Failure::from(Mistake::NoMirror);
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.report().contains("Hint: `roundsman scan SOURCE --to DEST`"), "{}", failure.report());
    }

    #[test]
    fn a_message_commands_no_terminal() {
        assert_eq!(Failure::usage("no \u{1b}[2J\r").report(), "Error: no \\u{1b}[2J\\r\n");
    }

    #[test]
    fn what_nobody_knows_ends_with_exit_code_1() {
        assert_eq!(Failure::from(std::io::Error::other("odd")).exit, Exit::Failed);
    }
}
