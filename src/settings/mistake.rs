//! [`Mistake`]: what somebody typed that cannot be meant so, where, and what to type instead.

use std::path::PathBuf;

use thiserror::Error;

use super::key::Key;
use super::layer::Origin;
use crate::route::shown;

/// A mistake in flags, variables or the configuration file. Each ends the command with exit code 2.
#[derive(Debug, Error)]
pub(crate) enum Mistake {
    /// A value of the wrong type, or out of range.
    #[error("{place}: expected {expected}, found {found}")]
    Unfit {
        /// Which key, where.
        place: String,
        /// What to type.
        expected: &'static str,
        /// What was typed.
        found: String,
    },
    /// A key that does not exist where it stands.
    #[error("{}:{line}: unknown key `{key}`{}", shown(path), suggestion.as_deref().unwrap_or_default())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was typed, escaped.
        key: String,
        /// What may have been meant, as the rest of the sentence.
        suggestion: Option<String>,
    },
    /// Not TOML.
    #[error("{}:{line}: {message}", shown(path))]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A configuration file that cannot be read.
    #[error("cannot read the configuration file {}: {reason}", shown(path))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A setting that must be given was not.
    #[error("{flag} is not given, and there is no `{key}` in the configuration")]
    Missing {
        /// The key.
        key: &'static str,
        /// Its flag.
        flag: String,
    },
    /// Neither a source nor a mirror in the configuration.
    #[error("there is nothing to mirror: no SOURCE is given, and the configuration has no [[mirror]]")]
    NoMirror,
    /// A receiver on another machine, without TLS.
    #[error("{url} would send the token and all contents so that they can be read on the way")]
    Plaintext {
        /// Its address.
        url: String,
    },
    /// A plan is to be written in a round that carries it out.
    #[error("{flag} asks for a plan, but nothing asks for a dry run")]
    PlanOfRealRound {
        /// How it was asked for.
        flag: String,
    },
    /// A plan is to be carried out in a dry run.
    #[error("{flag} asks for a plan to be carried out, but this is a dry run")]
    ApplyInDryRun {
        /// How it was asked for.
        flag: String,
    },
    /// A plan is to be carried out again and again.
    #[error("{flag} asks for a plan to be carried out, which is done once, but there is an interval")]
    ApplyInLoop {
        /// How it was asked for.
        flag: String,
    },
    /// One plan for several mirrors.
    #[error("{flag} names the plan of one mirror, but the configuration has {mirrors}")]
    OnePlanForSeveral {
        /// How it was asked for.
        flag: String,
        /// How many there are.
        mirrors: usize,
    },
    /// One name for several mirrors.
    #[error("{flag} names one mirror, but the configuration has {mirrors}")]
    OneNameForSeveral {
        /// How the name was given.
        flag: String,
        /// How many there are.
        mirrors: usize,
    },
}

impl Mistake {
    /// A value that does not fit its key.
    pub(crate) fn unfit(key: &Key, origin: &Origin, found: &str) -> Self {
        let place = match origin {
            Origin::File { path, line } => format!("{}:{line}: `{}`", shown(path), key.name),
            Origin::Flag => key.flag_name(),
            Origin::Environment => key.variable(),
            Origin::Default => format!("the default of `{}`", key.name),
        };
        Self::Unfit { place, expected: key.expected, found: found.to_owned() }
    }

    /// What to do about it, where the message does not already say it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { key: "state_dir", .. } => {
                Some("HOME is not set: say --state-dir DIR, or set HOME or XDG_STATE_HOME".to_owned())
            }
            Self::Missing { key: "to", .. } => Some(
                "say where the mirror is to lie, such as `--to /mnt/backup` or `--to https://HOST:PORT`".to_owned(),
            ),
            Self::Missing { key: "from", .. } => Some(
                "say where the mirror lies, such as `--from /mnt/backup` or `--from https://HOST:PORT`".to_owned(),
            ),
            Self::Missing { key: "into", .. } => {
                Some("say where to restore, such as `--into /tmp/back`; the source itself will do, too".to_owned())
            }
            Self::Missing { key, flag } => Some(format!("add {flag}, or `{key} = ...` in the configuration file")),
            Self::NoMirror => Some("`roundsman scan SOURCE --to DEST`, or see `config.example.toml`".to_owned()),
            Self::Plaintext { .. } => Some("use https, or insist with --allow-plaintext".to_owned()),
            Self::PlanOfRealRound { .. } => Some("say --dry-run as well".to_owned()),
            Self::ApplyInDryRun { .. } => Some(
                "leave out --dry-run; a plan is carried out with every guard, and what does not hold any more is left out"
                    .to_owned(),
            ),
            Self::ApplyInLoop { .. } => Some("leave out the interval: --interval, or `interval` in the file".to_owned()),
            Self::OneNameForSeveral { .. } | Self::OnePlanForSeveral { .. } => Some("say which SOURCE is meant".to_owned()),
            Self::Unfit { .. } => Some("`roundsman scan --help` says what each setting means".to_owned()),
            Self::UnknownKey { .. } | Self::Syntax { .. } => {
                Some("`config.example.toml` has every key, with its default and why it is there".to_owned())
            }
            Self::Unreadable { .. } => Some("is the name right, and may this user read it?".to_owned()),
        }
    }
}

/// All mistakes of one reading, so that a person sees them at once; never empty.
#[derive(Debug, Error)]
#[error("{}", self.lines())]
pub(crate) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// The mistakes, if there are any.
    pub(crate) fn check(found: Vec<Mistake>) -> Result<(), Self> {
        if found.is_empty() { Ok(()) } else { Err(Self(found)) }
    }

    /// What to do about the first that needs saying.
    pub(crate) fn hint(&self) -> Option<String> {
        self.0.iter().find_map(Mistake::hint)
    }

    fn lines(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}
