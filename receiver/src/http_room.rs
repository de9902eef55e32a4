//! [`Room`]: memory for the requests that are being answered. Small ones have a part of their own, so that a commit never
//! waits until somebody else's upload has come over a slow line.

use std::time::Duration;

use protocol::{Problem, ProblemCode};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http_failure::Failure;

/// Which part of all memory is kept for small requests.
const KEPT_FOR_SMALL: usize = 8;
/// Which part of that one request may take and still be small: 96 KiB of 48 MiB.
const SMALL: usize = 64;

/// Memory for bodies and what is made of them, in KiB.
#[derive(Debug)]
pub(crate) struct Room {
    large: Part,
    small: Part,
    /// How long a request waits for its memory.
    patience: Duration,
}

/// One part of the memory.
#[derive(Debug)]
struct Part {
    kib: usize,
    left: Semaphore,
}

impl Part {
    fn of(kib: usize) -> Self {
        Self { kib, left: Semaphore::new(kib) }
    }
}

impl Room {
    /// So many bytes in all, for which a request waits so long.
    pub(crate) fn new(bytes: usize, patience: Duration) -> Self {
        let kib = bytes / 1024;
        let small = kib / KEPT_FOR_SMALL;
        Self { large: Part::of(kib - small), small: Part::of(small), patience }
    }

    /// Waits, in the order of arrival, until there is memory for a request; one that needs more than all has all.
    pub(crate) async fn wait_for(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Failure> {
        let kib = bytes.div_ceil(1024);
        let part = if kib <= self.small.kib / SMALL { &self.small } else { &self.large };
        let kib = u32::try_from(kib.min(part.kib)).expect("limits of bodies are far below 2^32 KiB");
        match tokio::time::timeout(self.patience, part.left.acquire_many(kib)).await {
            Ok(room) => Ok(room.expect("this semaphore is never closed")),
            Err(_) => {
                Err(Problem::new(ProblemCode::Busy, "too many requests at once to hold them all in memory").into())
            }
        }
    }
}
