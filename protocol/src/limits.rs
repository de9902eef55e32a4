//! Every limit of the wire, by name. Both sides hold to them; the receiver refuses what passes one.

use std::time::Duration;

/// Longest path component, in bytes: what Linux file systems hold.
pub const MAX_NAME_BYTES: usize = 255;
/// Longest path, in bytes. Far past `PATH_MAX`: paths are walked by component.
pub const MAX_PATH_BYTES: usize = 65_535;
/// Most components of a path.
pub const MAX_PATH_DEPTH: usize = 4_096;
/// Longest client name, in bytes.
pub const MAX_CLIENT_NAME_BYTES: usize = 64;
/// Longest symlink target, in bytes: what Linux holds.
pub const MAX_LINK_TARGET_BYTES: usize = 4_095;
/// Most attributes of one entry, and the longest key or value, in bytes.
pub const MAX_ATTRIBUTES: usize = 64;
/// Longest attribute key or value, in bytes.
pub const MAX_ATTRIBUTE_BYTES: usize = 65_536;

/// Most changes in one batch.
pub const MAX_BATCH_CHANGES: usize = 65_536;
/// Changes a client puts in one batch unless they must stay together: about this many files become durable at once. What
/// a batch takes in memory, each thread that ever had one may keep: this number decides more of both sides' memory than
/// any other.
pub const TARGET_BATCH_CHANGES: usize = 4_096;
/// Bytes of new contents a client puts in one batch, a larger single file excepted.
pub const TARGET_BATCH_BYTES: u64 = 256 * 1024 * 1024;
/// Most segments in all recipes of one batch.
pub const MAX_BATCH_SEGMENTS: usize = 1_048_576;
/// Largest request body, in bytes, but for fills.
pub const MAX_REQUEST_BYTES: usize = 32 * 1024 * 1024;
/// Most bytes of a batch's encoded changes and recipes that a client puts in one request.
pub const TARGET_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// Largest frame, in bytes before compression. Frames are the unit of resume; smaller ones cost ratio.
pub const MAX_FRAME_BYTES: usize = 4 * 1024 * 1024;
/// Most pieces in one frame.
pub const MAX_FRAME_PIECES: usize = 65_536;
/// Largest fill request: a frame that does not compress, and its pieces.
pub const MAX_FILL_BYTES: usize = MAX_FRAME_BYTES + 2 * 1024 * 1024;
/// Largest window a decompressor may be asked for, as a power of two.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// Most changes or entries in one page of an answer.
pub const MAX_PAGE_ROWS: usize = 10_000;
/// Most bytes of content in one answer.
pub const MAX_READ_BYTES: u64 = 4 * 1024 * 1024;

/// Most paths whose entries one request asks for.
pub const MAX_ENTRY_QUERIES: usize = 1_024;
/// Most versions of a path in one answer: each may take several look-ups.
pub const MAX_PAGE_VERSIONS: usize = 1_000;

/// Most contents whose chunks one request asks for.
pub const MAX_CHUNK_QUERIES: usize = 1_024;
/// Most bytes of contents that are cut for one answer.
pub const MAX_CHUNKED_BYTES: u64 = 64 * 1024 * 1024;

/// Most wanted contents in one answer, and most that one request offers.
pub const MAX_WANTED: usize = 1_000;

/// How far back a mirror's revisions count for the brake on files that cease to exist.
pub const BRAKE_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Proposals one mirror keeps open; the oldest gives way.
pub const MAX_OPEN_PROPOSALS: usize = 4;
/// A proposal or staged content that nobody touched for so long is swept away.
pub const STAGED_EXPIRY: Duration = Duration::from_secs(24 * 60 * 60);
