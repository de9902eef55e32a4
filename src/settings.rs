//! The settings: one table of keys, and what was typed turned into checked values.
//!
//! Each key is declared once, below. Flag, `ROUNDSMAN_*` variable, configuration key, help, default and the struct
//! field that the command reads all come from that line. Flags lie over variables, those over the configuration
//! file, that over defaults. Nothing deeper than this module sees what was typed.

mod compression;
pub(crate) mod environment;
mod keeping;
pub(crate) mod key;
pub(crate) mod layer;
mod list_share;
pub(crate) mod mistake;
mod past;
mod rate;
mod read_rate;
mod request_memory;
mod scrub;
mod scrub_every;
mod show;
mod sizes;
pub(crate) mod token;
mod typed;
pub(crate) mod value;
pub(crate) mod when;

use std::net::SocketAddr;
use std::path::PathBuf;

use protocol::MirrorName;
use scanner::Limit;
use uploader::{CompressionLevel, Rate, Timetable};

use crate::duration::{Interval, RetryFor, Settle};
use crate::round::{ListShare, ScrubRate};
use keeping::{Keep, KeepSize, MinFree, OfClient};
use key::{Flag, Group, Key, Scope, keys};
use layer::Layer;
use mistake::Mistake;
pub(crate) use request_memory::RequestMemory;
pub(crate) use scrub_every::ScrubEvery;
use value::{AtOnce, To};
use when::{RoundName, When};

pub(crate) use past::PastSettings;
pub(crate) use typed::Typed;

keys! {
    /// One mirror: what, where to, and how.
    MirrorSettings {
        /// The directory to mirror; without it, every [[mirror]] of the configuration
        source: PathBuf = "", Flag::Positional("SOURCE"), OneMirror, Mirror;
        /// Where the mirror is to lie: the URL of a receiver, or a directory on this machine
        to: To = "", Flag::Long("DEST"), Mirror, Mirror;
        /// Where to read a mirror or its past: the URL of a receiver, or a directory on this machine; the default is `to`
        from: Option<To> = "", Flag::Long("DEST"), Mirror, Past;
        /// The mirror's name at the receiver; the default is the name of the source's directory
        mirror: Option<MirrorName> = "", Flag::Long("NAME"), OneMirror, Reach;
        /// The file that holds this client's token; only its owner may read it
        token_file: Option<PathBuf> = "", Flag::Long("FILE"), Mirror, Reach;
        /// Send token and contents without TLS, also to other machines: they can be read on the way
        allow_plaintext: bool = "false", Flag::Long(""), Mirror, Reach;
        /// Let this source take over a mirror that was made from another one
        adopt: bool = "false", Flag::Long(""), Mirror, Guard;
        /// Accept another root, an emptied source or other disks below it, at the same path; said once, not in a file
        accept_root: bool = "false", Flag::Long(""), Mirror, Guard;
        /// Keep a file .roundsman-marker in the source and stop where it is missing: an unmounted disk has none
        marker: bool = "false", Flag::Long(""), Mirror, Guard;
        /// Hold deletes past so many files in a round or in 24 hours: a number, or a share, which is never under 100 files
        max_delete: Limit = "50%", Flag::Long("N|N%"), Mirror, Guard;
        /// Hold new contents where more known files than this changed in one round, as by ransomware
        max_overwrite: Option<Limit> = "", Flag::Long("N|N%"), Mirror, Guard;
        /// Hold a content that changed although nothing else of its file shows it, which may be bit rot
        hold_silent: bool = "false", Flag::Long(""), Mirror, Guard;
        /// Leave out what this pattern in gitignore syntax matches; may be given often
        exclude: Vec<String> = "", Flag::Long("GLOB"), Mirror, Filter;
        /// Mirror what this pattern matches although something else leaves it out; may be given often
        include: Vec<String> = "", Flag::Long("GLOB"), Mirror, Filter;
        /// Leave out what the patterns in this file match, in gitignore syntax; may be given often
        ignore_file: Vec<PathBuf> = "", Flag::Long("FILE"), Mirror, Filter;
        /// Delete at the mirror what the filters leave out now; said once, not in a file
        delete_excluded: bool = "false", Flag::Long(""), Mirror, Filter;
        /// Do not cross into file systems that are mounted below the source
        one_file_system: bool = "false", Flag::Long(""), Mirror, Filter;
        /// How long to keep trying to reach the receiver; 5s where nobody listens there at all, unless set
        retry_for: RetryFor = "30s", Flag::Long("DURATION"), Mirror, Reach;
        /// Requests that carry contents to the receiver at once; the default is two a processor, up to 8
        transfers: AtOnce = "", Flag::Long("N"), Mirror, Round;
        /// Bytes a second to send at most; with times (08:00-18:00 2MiB) for a part of the day, and given often
        limit_rate: Option<Timetable> = "", Flag::Long("RATE"), Mirror, Round;
        /// How hard to compress: auto follows the link, off, or 1 (fast) to 19 (small)
        compression_level: CompressionLevel = "auto", Flag::Long("LEVEL"), Mirror, Round;
        /// Leave a file alone until it did not change for so long
        settle: Settle = "0s", Flag::Long("DURATION"), Mirror, Round;
        /// Read every file, whatever its size and times say; said once, not in a file
        full: bool = "false", Flag::Long(""), Mirror, Round;
        /// Read again what was not read for the longest time: a share a day (1%/day), or so much a round (500MB)
        scrub: Option<ScrubRate> = "", Flag::Long("RATE"), Mirror, Round;
        /// What may be kept of how files are cut into chunks, so that only new ones are sent: a share of the source's bytes
        chunk_lists: ListShare = "1%", Flag::Long("N%"), Mirror, Round;
        /// Take no new inode number for a sign of change: some network file systems renumber their files
        ignore_inodes: bool = "false", Flag::Long(""), Mirror, Round;
        /// Take no new ctime for a sign of change: some file systems renew them; mtimes alone must tell then
        ignore_ctimes: bool = "false", Flag::Long(""), Mirror, Round;
    }
}

keys! {
    /// How a mirror is looked at.
    VerifySettings {
        /// Put right what is found, from the source where its content is needed; said once, not in a file
        repair: bool = "false", Flag::Long(""), Mirror, Verify;
        /// Also read every file of the source and compare what is in it
        read_source: bool = "false", Flag::Long(""), Mirror, Verify;
        /// Bytes a second that the receiver is to read for it at most; without it, as fast as it can
        verify_rate: Option<Rate> = "", Flag::Long("RATE"), Mirror, Verify;
    }
}

keys! {
    /// How a client makes its rounds, whatever it mirrors.
    ClientSettings {
        /// Make a round again and again, one such span after the other's start; without it, one round
        interval: Option<Interval> = "", Flag::Long("DURATION"), Top, Round;
        /// Show what a round would do and do nothing: no file is created or changed anywhere
        dry_run: bool = "false", Flag::Long(""), Top, DryRun;
        /// Write the plan of a dry run into this file, for people to read and for --apply
        plan: Option<PathBuf> = "", Flag::Long("FILE"), Top, Round;
        /// Make only the changes of this plan, as far as they still hold; said once, not in a file
        apply: Option<PathBuf> = "", Flag::Long("FILE"), Top, Round;
        /// Threads that walk and read the source; the default is one a processor
        threads: AtOnce = "", Flag::Long("N"), Top, Round;
        /// Where snapshots and locks are kept; the default is $XDG_STATE_HOME/roundsman or ~/.local/state/roundsman
        state_dir: PathBuf = "", Flag::Long("DIR"), Top, State;
    }
}

keys! {
    /// What a restore does; where from is said by the mirror's own settings.
    RestoreSettings {
        /// The directory below which the mirror's paths are restored; only the last directory of its path is made
        into: PathBuf = "", Flag::Long("DIR"), Top, Restore;
        /// As of when: a revision's number, a time (2026-11-01 12:00), or how long ago (2d); the default is now
        at: Option<When> = "", Flag::Long("TIME|REVISION"), Top, Restore;
        /// Undo what this round changed: the beginning of its id, or the number of one of its revisions
        undo: Option<RoundName> = "", Flag::Long("ROUND"), Top, Restore;
        /// Let what is different give way; without it, it is left and told; said once, not in a file
        overwrite: bool = "false", Flag::Long(""), Top, Restore;
    }
}

keys! {
    /// What a person or a program is told.
    OutputSettings {
        /// Print nothing when the exit code is 0
        quiet: bool = "false", Flag::Short('q'), Top, Output;
        /// Show each change and say more on stderr; -vv says what was decided and why
        verbose: u8 = "0", Flag::Short('v'), Top, Output;
        /// Print one JSON object a line instead of text for people
        json: bool = "false", Flag::Long(""), Top, Json;
        /// Never colour the output; also by NO_COLOR and TERM=dumb
        no_color: bool = "false", Flag::Long(""), Top, Output;
        /// Also write a log, as JSON lines; five files of 10 MiB are kept
        log_file: Option<PathBuf> = "", Flag::Long("FILE"), Top, Output;
    }
}

keys! {
    /// Where a receiver keeps mirrors.
    DataSettings {
        /// The directory that holds all mirrors, one folder a client
        data: PathBuf = "", Flag::Long("DIR"), Receive, Data;
    }
}

keys! {
    /// How a receiver is reached.
    ReceiveSettings {
        /// Where to listen; port 0 takes a free one
        listen: SocketAddr = "127.0.0.1:7373", Flag::Long("ADDR"), Receive, Receive;
        /// Listen without TLS on other addresses than loopback: tokens and contents can be read on the way
        allow_plaintext: bool = "false", Flag::Long(""), Receive, Receive;
        /// Memory for all requests that are answered at once, 16MiB at least; further ones wait
        request_memory: RequestMemory = "48MiB", Flag::Long("SIZE"), Receive, Receive;
        /// In which time everything that is kept is read again in the background, to find damage; off where it is not
        scrub_every: ScrubEvery = "30d", Flag::Long("DURATION"), Receive, Receive;
        /// Bytes a second that are read at most for all who verify their mirrors; without it, as fast as they ask
        check_rate: Option<Rate> = "", Flag::Long("RATE"), Receive, Receive;
    }
}

keys! {
    /// What a receiver keeps, also one inside another command.
    KeepingSettings {
        /// Keep what was replaced or deleted for so long: all of the last day, then one state a day, a week, four weeks
        keep: Keep = "30d", Flag::Long("DURATION"), Receive, Receive;
        /// What a client's old versions may take on the disk; over it the oldest go, however young they are
        keep_size: KeepSize = "any", Flag::Long("SIZE"), Receive, Receive;
        /// Keep the history of one client for another span than that of all; may be given often
        client_keep: Vec<OfClient<Keep>> = "", Flag::Long("CLIENT=DURATION"), Receive, Receive;
        /// Let the old versions of one client take more or less than those of others; may be given often
        client_keep_size: Vec<OfClient<KeepSize>> = "", Flag::Long("CLIENT=SIZE"), Receive, Receive;
        /// Take no batch that would leave less free on the disk; of a small disk, a sixteenth at most
        min_free: MinFree = "64MiB", Flag::Long("SIZE"), Receive, Receive;
    }
}

/// Every row of the table. `allow_plaintext` is there twice: a client and a receiver each decide for themselves.
pub(crate) fn all_keys() -> impl Iterator<Item = &'static Key> {
    [
        MirrorSettings::KEYS,
        VerifySettings::KEYS,
        ClientSettings::KEYS,
        RestoreSettings::KEYS,
        OutputSettings::KEYS,
        DataSettings::KEYS,
        ReceiveSettings::KEYS,
        KeepingSettings::KEYS,
    ]
    .into_iter()
    .flatten()
}
