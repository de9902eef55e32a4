//! The command line of `roundsman client` and `roundsman join`.

use std::time::Duration;

use clap::{Args, Subcommand};
use protocol::ClientName;
use receiver::{Access, Grant};
use seams::clock::Clock;
use uploader::Address;

use super::{Flags, ForClients, ForData};
use crate::duration;
use crate::invite::Pin;
use crate::moments::later;
use crate::settings::layer::Layer;

const INVITE_HELP: &str = "\
Example:
  roundsman client invite laptop --url https://backup.example:7373 --data /srv/mirrors

Prints one line. On the laptop, `roundsman join -` takes it from stdin, trades it for a token and keeps
that where the next `scan` finds it. The line is a secret that is good once and for a short while.";

const ROTATE_HELP: &str = "\
Example:
  (umask 077; roundsman client rotate laptop --overlap 1d --data /srv/mirrors > laptop.token)

Prints a new token in the place of all tokens of the client that allow the same; which, has to be said
where there are several kinds. Without --overlap those end at once.";

/// What `client` does.
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Add a client and print its token, which is not shown again
    #[command(after_help = "\
Example:
  (umask 077; roundsman client add laptop --data /srv/mirrors > laptop.token)

The token alone is printed on stdout. A running receiver knows the client at once.")]
    Add {
        /// What the client is called: lower-case letters, digits, `-`, `_` and `.`
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// What its token is good for.
        #[command(flatten)]
        grant: GrantFlags,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForData>,
    },
    /// Print one more token for a client
    Issue {
        /// Which client
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// What the token is good for.
        #[command(flatten)]
        grant: GrantFlags,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForData>,
    },
    /// Print one line with which a machine becomes a client: `roundsman join`
    #[command(after_help = INVITE_HELP)]
    Invite {
        /// Which client; it is added if there is none
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// Where clients reach this receiver
        #[arg(long, value_name = "ADDRESS", value_parser = url)]
        url: Address,
        /// How long the line is good
        #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::of_text)]
        expires: Duration,
        /// The fingerprint of the receiver's certificate, carried along into joined.toml: `sha256:` and 64 digits
        #[arg(long, value_name = "FINGERPRINT")]
        pin: Option<Pin>,
        /// The token that the line is traded for ends after so long; without this it does not
        #[arg(long, value_name = "DURATION", value_parser = duration::of_text)]
        token_expires: Option<Duration>,
        /// What that token allows.
        #[command(flatten)]
        access: AccessFlags,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForData>,
    },
    /// Say who the clients are, when they were seen and what they have
    List {
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForClients>,
    },
    /// Say the same of one client, with its mirrors, tokens and invites
    Show {
        /// Which client
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForClients>,
    },
    /// Print a new token and let the old ones end
    #[command(after_help = ROTATE_HELP)]
    Rotate {
        /// Which client
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// How long the old tokens are good beside the new one
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::of_text)]
        overlap: Duration,
        /// Which kind of tokens.
        #[command(flatten)]
        kind: KindFlags,
        /// The new token ends after so long; without this it does not
        #[arg(long, value_name = "DURATION", value_parser = duration::of_text)]
        expires: Option<Duration>,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForData>,
    },
    /// Take a client's tokens and open invites back, at once; its mirrors stay
    Revoke {
        /// Which client
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// Only this token; `roundsman client show NAME` tells their numbers
        #[arg(long, value_name = "NUMBER")]
        token: Option<String>,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForData>,
    },
    /// Remove a client with all its mirrors and their history, to free the space; no receiver may be running
    Remove {
        /// Which client
        #[arg(value_parser = client_name)]
        name: ClientName,
        /// Really: nothing of it can be had back
        #[arg(long)]
        yes: bool,
        /// Its settings.
        #[command(flatten)]
        flags: Flags<ForData>,
    },
}

/// What a new token allows.
#[derive(Debug, Args)]
pub(crate) struct AccessFlags {
    /// The token allows only what changes nothing: history, restore, verify without --repair
    #[arg(long)]
    read_only: bool,
    /// The token never makes old versions go: a batch that would push some out over --keep-size is refused
    #[arg(long, conflicts_with = "read_only")]
    append_only: bool,
}

/// Which of a client's tokens are rotated: those of the one kind that it has, if nothing is said.
#[derive(Debug, Args)]
pub(crate) struct KindFlags {
    /// The token allows everything
    #[arg(long, conflicts_with_all = ["read_only", "append_only"])]
    full: bool,
    /// What it allows otherwise.
    #[command(flatten)]
    access: AccessFlags,
}

impl KindFlags {
    /// The kind that was said.
    pub(crate) fn access(&self) -> Option<Access> {
        if self.full { Some(Access::Full) } else { self.access.said() }
    }
}

/// What a new token is good for.
#[derive(Debug, Args)]
pub(crate) struct GrantFlags {
    /// What it allows.
    #[command(flatten)]
    access: AccessFlags,
    /// The token ends after so long; without this it does not
    #[arg(long, value_name = "DURATION", value_parser = duration::of_text)]
    expires: Option<Duration>,
}

impl AccessFlags {
    /// What was said, if it is not everything.
    fn said(&self) -> Option<Access> {
        match (self.read_only, self.append_only) {
            (true, _) => Some(Access::ReadOnly),
            (false, true) => Some(Access::AppendOnly),
            (false, false) => None,
        }
    }

    /// For so long from now, or for ever.
    pub(crate) fn grant(&self, expires: Option<Duration>, clock: &dyn Clock) -> Grant {
        let access = self.said().unwrap_or(Access::Full);
        Grant { access, expires: expires.map(|span| later(clock.now(), span)) }
    }
}

impl GrantFlags {
    /// As from now.
    pub(crate) fn grant(&self, clock: &dyn Clock) -> Grant {
        self.access.grant(self.expires, clock)
    }
}

impl ClientCommand {
    /// The settings that were given as flags.
    pub(crate) fn take_layer(&mut self) -> Layer {
        let flags = match self {
            Self::Add { flags, .. }
            | Self::Issue { flags, .. }
            | Self::Invite { flags, .. }
            | Self::Rotate { flags, .. }
            | Self::Revoke { flags, .. }
            | Self::Remove { flags, .. } => &mut flags.layer,
            Self::List { flags } | Self::Show { flags, .. } => &mut flags.layer,
        };
        std::mem::take(flags)
    }
}

fn client_name(text: &str) -> Result<ClientName, String> {
    ClientName::parse(text).map_err(|error| {
        format!("{error}; use lower-case letters, digits, `-`, `_` and `.`, and begin with a letter or digit")
    })
}

fn url(text: &str) -> Result<Address, String> {
    Address::parse(text, true).map_err(|error| error.to_string())
}
