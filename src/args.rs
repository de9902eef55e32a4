//! The command line: commands and their help. Flags that are settings come from the table of settings.

mod client;
mod flags;
mod manual;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::commands::decide::DigestPrefix;
use crate::exit;
pub(crate) use client::ClientCommand;
pub(crate) use flags::{
    Flags, ForClient, ForClients, ForConfig, ForData, ForHistory, ForJoin, ForReceiver, ForRestore, ForScan, ForState,
    ForVerify,
};
pub(crate) use manual::man_pages;

/// Keeps a directory tree mirrored on another machine, without file notifications.
///
/// A roundsman walks his beat at set hours and delivers: this program walks a directory tree, compares it with what
/// it delivered before, and delivers what changed. It works on any file system, from cron, from a timer, or as its
/// own loop.
#[derive(Debug, Parser)]
#[command(name = "roundsman", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// Read this configuration file, which must exist; also by ROUNDSMAN_CONFIG
    #[arg(long, global = true, value_name = "FILE", display_order = 900)]
    pub(crate) config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  roundsman scan ~/Photos --to /mnt/backup          Mirror a directory to another disk
  roundsman scan ~/Photos --to /mnt/backup -v       Later: deliver what changed since
  roundsman receive --data /srv/mirrors             Take in the mirrors of other machines

Every flag has a key in the configuration file and a variable: --token-file is `token_file = `
and ROUNDSMAN_TOKEN_FILE. A flag decides over a variable, that over the file. The file is
--config FILE, else ~/.config/roundsman/config.toml, else /etc/roundsman/config.toml.";

const SCAN_EXAMPLES: &str = "\
Examples:
  roundsman scan ~/Photos --to /mnt/backup
      Make or update a mirror in /mnt/backup/local/Photos
  roundsman scan ~/Photos --to https://backup.example:7373 --token-file ~/.config/roundsman/token
      The same at a receiver
  roundsman scan ~/Photos --to /mnt/backup --dry-run
      Show what would be done: + created, M content, U metadata, R moved, T kind changed, - deleted,
      ? content changed although nothing else shows it, ! problem, ~ deferred, H held
  roundsman scan ~/Photos --to /mnt/backup --dry-run --plan plan.ndjson
  roundsman scan ~/Photos --to /mnt/backup --apply plan.ndjson
      Write the plan down, look through it, take lines out; make the changes that are left
  roundsman scan --interval 30s
      Mirror every [[mirror]] of the configuration, and go on doing so";

const HELD_HELP: &str = "\
Where a round would end more files at the mirror than --max-delete allows, it delivers everything else
and holds these changes, exit code 25. They are named by a digest, which `roundsman status` shows.
The beginning of it is enough. Nothing else need be said: the mirror is found in the state directory.";

const HISTORY_HELP: &str = "\
Examples:
  roundsman history --from /mnt/backup
      The rounds that changed the mirror, the newest last
  roundsman history 2026/image.raw --from /mnt/backup
      What was at this path, also under other names, also if it is deleted

The mirror need be named only where there are several: --mirror NAME.";

const RESTORE_HELP: &str = "\
Examples:
  roundsman restore --from /mnt/backup --into /tmp/back
      Everything, as it is at the mirror: below /tmp/back lies what lies below the source
  roundsman restore 2026 letters/a.odt --from /mnt/backup --at 2d --into /tmp/back
      A directory and a file, as they were two days ago; or --at \"2026-11-01 12:00\", or --at 17
  roundsman restore --undo 4f1c --from /mnt/backup --into ~/Photos
      What that round changed becomes what it was before; `roundsman history` names the rounds

What is there already is not fetched again. What is there and different is left and told, exit code 3, unless
--overwrite is said. Cut short, the same command goes on where it was.";

const VERIFY_HELP: &str = "\
Examples:
  roundsman verify ~/Photos --from /mnt/backup
  roundsman verify ~/Photos --from https://backup.example:7373 --token-file ~/.config/roundsman/token --repair
  roundsman verify --verify-rate 50MiB
      Every [[mirror]] of the configuration, at the receivers' leisure

Every file of the mirror is read where it lies and compared with what was delivered; what is missing, extra, damaged or has
another mode or time is named. What the receiver has on record is compared with what is recorded here, and with how the source
looks: what changed there since the last round is counted, and is nothing wrong. Only --read-source reads the source's files, and
finds those with other bytes that nothing else shows. Works beside running rounds, without a source and without a state directory.

What is found damaged is sent again by the next round anyway. --repair does it at once, puts modes, times, directories and links
right, and moves what nobody delivered to the versions. Nothing that lay in the mirror is destroyed, and no revision is made.

Exit code 0: all is right, or was put right; 3: the differences that were named.";

const JOIN_HELP: &str = "\
Example:
  roundsman join -
      Paste the line; then `roundsman scan ~/Photos` goes to that receiver

The token is kept beside the configuration file: joined.token, which only its owner may read, and joined.toml.
It is shown to that receiver and to no other.";

const TAKEOVER_HELP: &str = "\
A mirror has one live client. Where a second one arrives with an older state (a restored disk, a cloned machine), it
is refused by name, exit code 13. `takeover` tells the receiver that this machine is the one that goes on.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Walk a directory and deliver what changed since the last round
    #[command(after_help = SCAN_EXAMPLES, after_long_help = scan_long_help())]
    Scan {
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForScan>,
    },
    /// Take in the mirrors of other machines
    #[command(after_help = "\
Examples:
  roundsman receive --data /srv/mirrors
  roundsman receive --data /srv/mirrors --listen [::]:7373 --allow-plaintext

  roundsman receive --data /srv/mirrors --rebuild-catalog --client laptop

A client needs a token: `roundsman client add NAME --data DIR` prints one.
SIGTERM and SIGINT end it in good order.

A rebuilt catalog knows what the mirrors have now, by reading every file. Old versions are kept until they
are old, but nobody knows any more what they were. The old catalog is kept beside the new one.")]
    Receive {
        /// Make new catalogs from the files of the mirrors, where the old ones are damaged or lost; serves nobody
        #[arg(long)]
        rebuild_catalog: bool,
        /// Only that of this client
        #[arg(long, value_name = "NAME", requires = "rebuild_catalog")]
        client: Option<String>,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForReceiver>,
    },
    /// Manage who may send mirrors to a receiver
    Client {
        /// What to do.
        #[command(subcommand)]
        command: ClientCommand,
    },
    /// Become a client of a receiver, by the line that `roundsman client invite` printed there
    #[command(after_help = JOIN_HELP)]
    Join {
        /// The line; `-` takes it from stdin, so that it is in no list of processes and no history of a shell
        line: String,
        /// Send the secret without TLS, also to another machine: it can be read on the way
        #[arg(long)]
        allow_plaintext: bool,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForJoin>,
    },
    /// Say how the mirrors of this machine stand: rounds, what waits, what is held and why
    #[command(after_help = "\
Works beside running rounds, asks no receiver, looks at no source, and changes nothing.")]
    Status {
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForState>,
    },
    /// Say what decides about one path: what is recorded, what is there, what a round would make of it
    #[command(after_help = "\
Examples:
  roundsman why ~/Photos/2026/image.raw
  cd ~/Photos && roundsman why 2026 --json

The path need not exist. Works beside running rounds, reads no content, asks no receiver, changes nothing.")]
    Why {
        /// A path below a source that is mirrored from this machine
        path: PathBuf,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForState>,
    },
    /// Compare a mirror with what was delivered, byte for byte, and put right what is not
    #[command(after_help = VERIFY_HELP)]
    Verify {
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForVerify>,
    },
    /// Let go what the brake holds: exactly these changes, in the next round
    #[command(after_help = HELD_HELP)]
    Approve {
        /// The beginning of the held list's digest, six digits at least
        digest: DigestPrefix,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForState>,
    },
    /// Keep at the mirror what the brake holds, and ask no more until the list changes
    #[command(after_help = HELD_HELP)]
    Reject {
        /// The beginning of the held list's digest, six digits at least
        digest: DigestPrefix,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForState>,
    },
    /// Say what was when: the rounds of a mirror, or the versions of one path
    #[command(after_help = HISTORY_HELP)]
    History {
        /// A path in the mirror, or below its source; without it, the rounds
        path: Option<PathBuf>,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForHistory>,
    },
    /// Get files back: as they are at the mirror, as they were, or as they were before a round
    #[command(after_help = RESTORE_HELP)]
    Restore {
        /// Paths in the mirror, or below its source; without any, everything
        paths: Vec<PathBuf>,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForRestore>,
    },
    /// Declare this machine the one that goes on with a mirror
    #[command(after_help = TAKEOVER_HELP)]
    Takeover {
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForClient>,
    },
    /// Check the configuration, or show what holds and why
    Config {
        /// What to do.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print completions for a shell
    #[command(after_help = "\
Example:
  roundsman completions bash > ~/.local/share/bash-completion/completions/roundsman")]
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands
    Man {
        /// Write roundsman.1 and a page for each command into this directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// What `config` does.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with the configuration; exit code 2 if something is
    Check {
        /// Settings to check along with it.
        #[command(flatten)]
        flags: Flags<ForConfig>,
    },
    /// Print the settings that hold, as a configuration file
    Show {
        /// Say where each comes from: flag, environment, file and line, or default
        #[arg(long)]
        origin: bool,
        /// Settings to show along with it.
        #[command(flatten)]
        flags: Flags<ForConfig>,
    },
}

fn scan_long_help() -> String {
    format!("{SCAN_EXAMPLES}\n\nExit codes:\n{}", exit::table())
}

/// The completions of a shell. Made in memory: the generator cannot bear a closed pipe.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "roundsman", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn scan_says_its_exit_codes_and_examples() {
        let help = Cli::try_parse_from(["roundsman", "scan", "--help"]).expect_err("is help").to_string();
        for part in ["--one-file-system", "  25  ", "Examples:", "[SOURCE]"] {
            assert!(help.contains(part), "{part} in\n{help}");
        }
    }

    #[test]
    fn every_shell_gets_completions() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            assert!(String::from_utf8(completions(shell)).expect("is text").contains("takeover"), "{shell}");
        }
    }

    #[test]
    fn a_token_is_never_a_flag() {
        assert!(Cli::try_parse_from(["roundsman", "scan", "--token", "x"]).is_err());
    }
}
