//! [`Terminal`]: what the streams are connected to, and what may be shown there.

use std::io::{self, IsTerminal};

use crate::settings::OutputSettings;
use crate::settings::environment::Environment;

/// What the process's streams are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terminal {
    /// Whether a person sees stdout.
    pub(crate) stdout: bool,
    /// Whether a person sees stderr.
    pub(crate) stderr: bool,
    /// Whether it can do nothing but print (`TERM=dumb`).
    pub(crate) dumb: bool,
    /// Whether nothing is to be coloured (`NO_COLOR`).
    pub(crate) no_color: bool,
}

impl Terminal {
    /// Asks the system.
    pub(crate) fn detect(environment: &Environment) -> Self {
        Self {
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
            dumb: environment.get("TERM").is_some_and(|term| term == "dumb"),
            no_color: environment.get("NO_COLOR").is_some(),
        }
    }

    /// Whether stdout is coloured.
    pub(crate) fn colored(self, settings: &OutputSettings) -> bool {
        self.stdout && !self.dumb && !self.no_color && !settings.no_color && !settings.json
    }

    /// Whether bars are shown on stderr.
    pub(crate) fn shows_progress(self, settings: &OutputSettings) -> bool {
        self.stderr && !self.dumb && !settings.quiet && !settings.json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: OutputSettings =
        OutputSettings { quiet: false, verbose: 0, json: false, no_color: false, log_file: None };
    const SEEN: Terminal = Terminal { stdout: true, stderr: true, dumb: false, no_color: false };

    #[test]
    fn colours_and_bars_are_for_people_at_capable_terminals() {
        assert!(SEEN.colored(&PLAIN) && SEEN.shows_progress(&PLAIN));
        let dumb = Terminal { dumb: true, ..SEEN };
        assert!(!dumb.colored(&PLAIN) && !dumb.shows_progress(&PLAIN));
        let piped = Terminal { stdout: false, ..SEEN };
        assert!(!piped.colored(&PLAIN) && piped.shows_progress(&PLAIN));
        let plain = Terminal { no_color: true, ..SEEN };
        assert!(!plain.colored(&PLAIN) && plain.shows_progress(&PLAIN));
        assert!(!SEEN.colored(&OutputSettings { no_color: true, ..PLAIN }));
    }

    #[test]
    fn nothing_moves_where_quiet_or_json_is_wanted() {
        assert!(!SEEN.shows_progress(&OutputSettings { quiet: true, ..PLAIN }));
        assert!(!SEEN.shows_progress(&OutputSettings { json: true, ..PLAIN }));
    }
}
