//! [`HttpLimits`]: how much, how many and how long a peer may make anything.

use std::time::Duration;

use protocol::limits::{MAX_BATCH_CHANGES, MAX_FILL_BYTES, MAX_FRAME_BYTES, MAX_REQUEST_BYTES};
use protocol::wire::Limits;

/// Connections at a time, of all peers together: leaves the store a quarter of the 1,024 descriptors that a process
/// usually may have.
pub const MAX_CONNECTIONS: usize = 768;
/// Requests of one client at a time.
pub const MAX_CLIENT_REQUESTS: u32 = 32;
/// Longest body of who wants to join, in bytes: it is read before anybody knows who sends it.
pub const MAX_JOIN_BYTES: usize = 1024;
/// Memory for the bodies of all requests that are being read or answered and for what is made of them, in bytes: the
/// largest part of what the receiver takes in all.
pub const MAX_BODY_MEMORY: usize = 48 * 1024 * 1024;
/// Less would not hold a single frame.
pub const LEAST_BODY_MEMORY: usize = 16 * 1024 * 1024;
/// A decoded request takes at most about so many times the room of its body.
const DECODED: usize = 4;
/// How long a request waits for that memory before it is told to come again.
pub const BODY_MEMORY_WAIT: Duration = Duration::from_secs(10);
/// How long a connection may lie idle between two requests.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long the head of a request may take.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest pause within a body.
pub const BODY_IDLE: Duration = Duration::from_secs(10);
/// Over how long the least rate of a body is measured.
pub const BODY_WINDOW: Duration = Duration::from_secs(30);
/// Bytes of a body that must come in every such window: 1 KiB/s.
pub const BODY_WINDOW_BYTES: u64 = 30 * 1024;
/// How long requests in flight may take to finish when the receiver stops. Stopping takes under 10 s in all.
pub const DRAIN: Duration = Duration::from_secs(7);
/// How long threads that still work may hold the data directory after that.
pub const RELEASE: Duration = Duration::from_secs(2);
/// How long the answer to the first wrong secret of an invite waits; each further one doubles it.
pub const GUESS_WAIT: Duration = Duration::from_millis(100);
/// However many there were, no answer waits longer.
pub const LONGEST_GUESS_WAIT: Duration = Duration::from_secs(5);
/// What a peer that came too early should wait before it tries again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Threads in which requests of one worker are answered.
pub const BLOCKING_THREADS: usize = 32;

/// The limits of one receiver. [`Default`] is what the constants say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// [`MAX_CONNECTIONS`]
    pub connections: usize,
    /// [`MAX_CLIENT_REQUESTS`]
    pub client_requests: u32,
    /// [`MAX_BODY_MEMORY`]
    pub body_memory: usize,
    /// [`BODY_MEMORY_WAIT`]
    pub body_memory_wait: Duration,
    /// [`KEEP_ALIVE`]
    pub keep_alive: Duration,
    /// [`HEADER_TIMEOUT`]
    pub header_timeout: Duration,
    /// How fast a body must come.
    pub body_pace: BodyPace,
    /// [`DRAIN`], in whole seconds.
    pub drain: Duration,
    /// [`RELEASE`]
    pub release: Duration,
    /// [`GUESS_WAIT`]
    pub guess_wait: Duration,
}

/// How fast a body must come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyPace {
    /// [`BODY_IDLE`]
    pub idle: Duration,
    /// [`BODY_WINDOW`]
    pub window: Duration,
    /// [`BODY_WINDOW_BYTES`]
    pub window_bytes: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: MAX_CONNECTIONS,
            client_requests: MAX_CLIENT_REQUESTS,
            body_memory: MAX_BODY_MEMORY,
            body_memory_wait: BODY_MEMORY_WAIT,
            keep_alive: KEEP_ALIVE,
            header_timeout: HEADER_TIMEOUT,
            body_pace: BodyPace { idle: BODY_IDLE, window: BODY_WINDOW, window_bytes: BODY_WINDOW_BYTES },
            drain: DRAIN,
            release: RELEASE,
            guess_wait: GUESS_WAIT,
        }
    }
}

impl HttpLimits {
    /// What of them clients are told.
    pub(crate) fn told(&self) -> Limits {
        let fits = "limits of the protocol are far below 2^32";
        Limits {
            batch_changes: u32::try_from(MAX_BATCH_CHANGES).expect(fits),
            frame_bytes: u32::try_from(MAX_FRAME_BYTES).expect(fits),
            concurrent_requests: self.client_requests,
        }
    }
}

/// Memory that it takes to answer a request with a body of so many bytes: a fill is read, decoded, then unpacked.
pub(crate) fn memory_for(route: &str, body: usize) -> usize {
    if route == "fill" { body + body.max(MAX_FRAME_BYTES) } else { body.saturating_mul(DECODED) }
}

/// Largest body posted to a route, in bytes.
pub(crate) fn max_body(route: &str) -> usize {
    if route == "fill" { MAX_FILL_BYTES } else { MAX_REQUEST_BYTES }
}
