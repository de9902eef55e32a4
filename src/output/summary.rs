//! [`Summary`]: what a round came to, in numbers. Its field names are a contract.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::line::{Line, Mark};

/// The numbers of one round. Changes are counted as they are printed: a directory moved whole is one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Summary {
    /// `+`
    pub(crate) created: u64,
    /// `M`, `T` and `?`
    pub(crate) modified: u64,
    /// `U`
    pub(crate) metadata: u64,
    /// `R`
    pub(crate) moved: u64,
    /// `-`
    pub(crate) deleted: u64,
    /// `H`
    pub(crate) held: u64,
    /// `~`
    pub(crate) deferred: u64,
    /// `!`
    pub(crate) problems: u64,
    /// Regular files that the walk saw.
    pub(crate) files_seen: u64,
    /// Their bytes.
    pub(crate) bytes_seen: u64,
    /// Bytes of source files that were read.
    pub(crate) bytes_read: u64,
    /// Source files that the scan opened, because nothing proved them unchanged unread.
    pub(crate) files_opened: u64,
    /// HTTP bodies and heads sent, also to an embedded receiver.
    pub(crate) bytes_sent: u64,
    /// HTTP bodies and heads received.
    pub(crate) bytes_received: u64,
    /// HTTP requests made.
    pub(crate) requests: u64,
    /// The number of the mirror's head.
    pub(crate) revision: u64,
    /// How long the round took.
    pub(crate) seconds: f64,
    /// Whether nothing was to be done.
    pub(crate) dry_run: bool,
    /// Sockets, FIFOs and devices, which are not mirrored.
    pub(crate) skipped: u64,
    /// `?`; these are among the modified, too.
    pub(crate) silent: u64,
    /// Paths that a filter leaves out now and that stay at the mirror, a directory with all in it being one.
    pub(crate) excluded_kept: u64,
    /// Bytes of contents that were sent, before compression.
    pub(crate) contents_sent: u64,
    /// The same after compression.
    pub(crate) contents_packed: u64,
    /// Bytes of contents that the receiver had already, or copied from what it had.
    pub(crate) contents_reused: u64,
    /// Damaged files of the mirror that were put right, without a change.
    pub(crate) mended: u64,
    /// The digest of the held list, as `roundsman approve` takes it; nothing where nothing is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held_list: Option<String>,
    /// Where the mirror lies, as people write it.
    pub(crate) mirror: String,
    /// Whether the round ended early.
    pub(crate) failed: bool,
    /// Whether a signal ended it before everything was delivered.
    pub(crate) stopped: bool,
}

impl Summary {
    /// Counts a line.
    pub(crate) fn count(&mut self, line: &Line) {
        *self.counter(line.mark) += 1;
        self.silent += u64::from(line.mark == Mark::Silent);
    }

    /// As `--json` prints it, to be kept.
    pub(crate) fn to_json(&self) -> String {
        super::json::summary(self).trim_end().to_owned()
    }

    /// The same with the time it took, to the millisecond.
    pub(crate) fn took(self, time: Duration) -> Self {
        let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        Self { seconds: f64::from(milliseconds) / 1000.0, ..self }
    }

    /// Whether the round came to its end.
    pub(crate) fn is_complete(&self) -> bool {
        !self.failed
    }

    fn counter(&mut self, mark: Mark) -> &mut u64 {
        match mark {
            Mark::Created => &mut self.created,
            Mark::Modified | Mark::KindChanged | Mark::Silent => &mut self.modified,
            Mark::Metadata => &mut self.metadata,
            Mark::Moved => &mut self.moved,
            Mark::Deleted => &mut self.deleted,
            Mark::Problem => &mut self.problems,
            Mark::Deferred => &mut self.deferred,
            Mark::Held => &mut self.held,
        }
    }
}
