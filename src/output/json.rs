//! What programs read: one JSON object a line. Fields may be added, never renamed or redefined.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use protocol::RelPath;
use serde::Serialize;

use super::line::{Line, Mark};
use super::summary::Summary;
use super::text;
use crate::exit::Failure;

/// How a round goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Status {
    /// Regular files seen so far.
    pub(crate) files_seen: u64,
    /// Their bytes.
    pub(crate) bytes_seen: u64,
    /// Bytes of source files read so far.
    pub(crate) bytes_read: u64,
    /// Files found to be sent so far.
    pub(crate) files_to_send: u64,
    /// Their bytes, without those that the receiver turned out to have or can copy.
    pub(crate) bytes_to_send: u64,
    /// Bytes of contents sent so far, before compression.
    pub(crate) contents_sent: u64,
}

#[derive(Serialize)]
#[serde(tag = "message_type", rename_all = "snake_case")]
enum Message<'a> {
    Change(Described<'a>),
    Problem(Described<'a>),
    Status(&'a Status),
    Summary(&'a Summary),
}

/// A line, or a failure that is about no path.
#[derive(Serialize)]
struct Described<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<char>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    path: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_base64: Option<String>,
    /// What is held, of what is held: the word of its change.
    #[serde(skip_serializing_if = "Option::is_none")]
    planned: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
    /// The change itself, in plan files.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoded: Option<&'a str>,
}

#[derive(Serialize)]
struct Path {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
    directory: bool,
}

/// One line of a plan.
pub(super) fn line(line: &Line) -> String {
    render_line(line, None)
}

impl Line {
    /// The line of a plan file: this one, and the change itself, encoded.
    pub(crate) fn to_json_with_change(&self, encoded: &str) -> String {
        render_line(self, Some(encoded))
    }
}

fn render_line(line: &Line, encoded: Option<&str>) -> String {
    let (path, path_base64) = name(&line.path, line.is_directory);
    let from = line.from.as_ref().map(|from| name(from, line.is_directory));
    let (from, from_base64) = from.map_or((None, None), |(from, exact)| (Some(from), exact));
    let described = Described {
        change: Some(line.mark.word()),
        mark: Some(line.mark.character()),
        path: Some(Path { path, path_base64, directory: line.is_directory }),
        from,
        from_base64,
        planned: line.planned.map(Mark::word),
        reason: line.reason.as_deref(),
        hint: None,
        exit_code: None,
        encoded,
    };
    match line.mark {
        Mark::Problem => object(&Message::Problem(Described { change: None, ..described })),
        _ => object(&Message::Change(described)),
    }
}

/// Why a command, or one round of it, ended early.
pub(super) fn failure(failure: &Failure) -> String {
    let reason = format!("{:#}", failure.error);
    object(&Message::Problem(Described {
        change: None,
        mark: None,
        path: None,
        from: None,
        from_base64: None,
        planned: None,
        reason: Some(&reason),
        hint: failure.hint.as_deref(),
        exit_code: Some(failure.exit.code()),
        encoded: None,
    }))
}

/// How a round goes on.
pub(super) fn status(status: &Status) -> String {
    object(&Message::Status(status))
}

/// What a round came to.
pub(super) fn summary(summary: &Summary) -> String {
    object(&Message::Summary(summary))
}

/// One object, on a line of its own.
pub(super) fn object(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("strings, numbers, lists and options of these have a JSON form") + "\n"
}

/// A path below a source for programs: escaped for people, and exact in base64 where it is not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct JsonPath {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_base64: Option<String>,
}

impl From<&RelPath> for JsonPath {
    fn from(path: &RelPath) -> Self {
        let (path, path_base64) = name(path, false);
        Self { path, path_base64 }
    }
}

/// A name that is UTF-8 as it is, for JSON escapes what needs it; any other escaped for people, and exact in base64.
fn name(path: &RelPath, is_directory: bool) -> (String, Option<String>) {
    match std::str::from_utf8(path.as_bytes()) {
        Ok("") => (text::path(path, is_directory), None),
        Ok(exact) => (format!("{exact}{}", if is_directory { "/" } else { "" }), None),
        Err(_) => (text::path(path, is_directory), Some(STANDARD.encode(path.as_bytes()))),
    }
}
