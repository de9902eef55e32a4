//! [`Output`]: everything a person or a program is told. Data goes to stdout, messages to stderr.
//!
//! What it says is rendered by pure functions below; here it is only decided where it goes and whether it is wanted.
//! Somebody who stops reading (`roundsman scan | head`) stops no round.

mod json;
mod line;
mod summary;
mod terminal;
mod text;

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use seams::clock::Clock;
use seams::progress::Progress;

use crate::exit::{Exit, Failure};
use crate::progress::{Bars, RestoreBar, StatusLines};
use crate::settings::OutputSettings;

pub(crate) use json::{JsonPath, Status};
pub(crate) use line::{Line, Mark, sorted};
pub(crate) use summary::Summary;
pub(crate) use terminal::Terminal;
pub(crate) use text::{changes, counted};

/// How many lines are written in one go.
const LINES_AT_ONCE: usize = 1_000;

/// Where the command's words go.
pub(crate) struct Output {
    wanted: Wanted,
    /// Whether somebody asked for every change.
    each: bool,
    colored: bool,
    bars: Bars,
    streams: Mutex<Streams>,
}

/// Which of them are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Text for people.
    Text,
    /// A JSON object a line, for programs.
    Json,
    /// Nothing, unless something went wrong.
    Trouble,
    /// The same as JSON.
    JsonTrouble,
}

struct Streams {
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    /// Why stdout could not be written, the first time.
    broken: Option<io::Error>,
}

impl Streams {
    fn new(stdout: impl Write + Send + 'static, stderr: impl Write + Send + 'static) -> Self {
        Self { stdout: Box::new(stdout), stderr: Box::new(stderr), broken: None }
    }
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("wanted", &self.wanted).field("colored", &self.colored).finish_non_exhaustive()
    }
}

impl Output {
    /// The process's own streams, as wanted.
    pub(crate) fn new(settings: &OutputSettings, terminal: Terminal, bars: Bars) -> Self {
        Self::to(settings, terminal, bars, Streams::new(io::stdout(), io::stderr()))
    }

    fn to(settings: &OutputSettings, terminal: Terminal, bars: Bars, streams: Streams) -> Self {
        let wanted = match (settings.json, settings.quiet) {
            (false, false) => Wanted::Text,
            (true, false) => Wanted::Json,
            (false, true) => Wanted::Trouble,
            (true, true) => Wanted::JsonTrouble,
        };
        let each = settings.json || settings.verbose > 0;
        Self { wanted, each, colored: terminal.colored(settings), bars, streams: Mutex::new(streams) }
    }

    /// The lines of a plan or of what was done, in the order in which they come.
    pub(crate) fn lines(&self, lines: impl IntoIterator<Item = Line>) {
        let (mut lines, mut held) = (lines.into_iter(), text::Held::default());
        loop {
            let some: Vec<Line> = lines.by_ref().take(LINES_AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            some.iter().for_each(|line| held.note(line));
            self.stdout(&some.iter().map(|line| self.shown(line)).collect::<String>());
            self.stderr(&some.iter().map(|line| self.trouble(line)).collect::<String>());
        }
        if self.is_for_people() {
            self.stderr(&held.text());
        }
    }

    fn is_for_people(&self) -> bool {
        matches!(self.wanted, Wanted::Text | Wanted::Trouble)
    }

    fn shown(&self, line: &Line) -> String {
        match self.wanted {
            Wanted::Text => text::line(line, self.colored),
            Wanted::Json => json::line(line),
            Wanted::JsonTrouble if line.mark.is_trouble() => json::line(line),
            Wanted::JsonTrouble | Wanted::Trouble => String::new(),
        }
    }

    fn trouble(&self, line: &Line) -> String {
        match self.wanted {
            Wanted::Text | Wanted::Trouble => text::trouble(line),
            Wanted::Json | Wanted::JsonTrouble => String::new(),
        }
    }

    /// How a round goes on, for programs.
    pub(crate) fn status(&self, status: &Status) {
        if self.wanted == Wanted::Json {
            self.stdout(&json::status(status));
        }
    }

    /// What a round came to. The last line on stdout, whatever the exit code.
    pub(crate) fn summary(&self, summary: &Summary, exit: Exit) {
        self.bars.clear();
        if self.is_for_people() {
            self.stderr(&text::approval(summary));
        }
        if self.wanted == Wanted::Text {
            self.stderr(&text::excluded(summary));
        }
        match self.wanted {
            Wanted::Text if summary.is_complete() => self.stdout(&text::summary(summary)),
            Wanted::Json => self.stdout(&json::summary(summary)),
            Wanted::JsonTrouble if exit != Exit::Done => self.stdout(&json::summary(summary)),
            Wanted::Text | Wanted::Trouble | Wanted::JsonTrouble => {}
        }
    }

    /// What another command than a round came to, in the same place: for people and for programs.
    pub(crate) fn conclude(&self, text: &str, summary: &impl serde::Serialize, exit: Exit) {
        self.bars.clear();
        match self.wanted {
            Wanted::Text => self.stdout(text),
            Wanted::Json => self.stdout(&json::object(summary)),
            Wanted::JsonTrouble if exit != Exit::Done => self.stdout(&json::object(summary)),
            Wanted::Trouble | Wanted::JsonTrouble => {}
        }
    }

    /// The bar of a restore.
    pub(crate) fn restoring(&self) -> RestoreBar {
        self.bars.restoring()
    }

    /// Whether each change is told also where it is done and not only planned.
    pub(crate) fn shows_each(&self) -> bool {
        self.each
    }

    /// Whether programs read it.
    pub(crate) fn is_for_programs(&self) -> bool {
        matches!(self.wanted, Wanted::Json | Wanted::JsonTrouble)
    }

    /// Why a command, or one round of it, ended early: also where nothing else is wanted.
    pub(crate) fn failure(&self, failure: &Failure) {
        if matches!(self.wanted, Wanted::Json | Wanted::JsonTrouble) {
            self.stdout(&json::failure(failure));
        }
        self.stderr(&failure.report());
    }

    /// A message for whoever watches, such as where a receiver listens.
    pub(crate) fn message(&self, message: &str) {
        if matches!(self.wanted, Wanted::Text | Wanted::Json) {
            self.stderr(&format!("{message}\n"));
        }
    }

    /// The answer to what a command was asked, for people or for programs.
    pub(crate) fn answer(&self, text: &str, answer: &impl serde::Serialize) {
        match self.wanted {
            Wanted::Text => self.stdout(text),
            Wanted::Json => self.stdout(&json::object(answer)),
            Wanted::Trouble | Wanted::JsonTrouble => {}
        }
    }

    /// What a command came to, as its last line: for people unless they want quiet; for programs, unless they do and all
    /// is well.
    pub(crate) fn conclusion(&self, text: &str, answer: &impl serde::Serialize, exit: Exit) {
        self.bars.clear();
        match self.wanted {
            Wanted::Text => self.stdout(text),
            Wanted::Json => self.stdout(&json::object(answer)),
            Wanted::JsonTrouble if exit != Exit::Done => self.stdout(&json::object(answer)),
            Wanted::Trouble | Wanted::JsonTrouble => {}
        }
    }

    /// What a command was asked to print: a token, completions, a page. Also where quiet is wanted.
    pub(crate) fn data(&self, bytes: &[u8]) {
        self.write_stdout(bytes);
    }

    /// Who watches a round: bars on a terminal, status lines for programs, else nobody.
    pub(crate) fn watcher<'a>(&'a self, clock: &'a dyn Clock) -> Box<dyn Progress + 'a> {
        match self.wanted {
            Wanted::Json => Box::new(StatusLines::new(self, clock)),
            Wanted::Text | Wanted::Trouble | Wanted::JsonTrouble => Box::new(self.bars.begin()),
        }
    }

    /// Ends the output.
    ///
    /// # Errors
    /// Something that was to be read on stdout could not be written there, other than because nobody reads on.
    pub(crate) fn finish(&self) -> io::Result<()> {
        self.bars.clear();
        let mut streams = self.streams();
        let flushed = streams.stdout.flush();
        let result = streams.broken.take().map_or(flushed, Err);
        let failed = |error: io::Error| io::Error::new(error.kind(), format!("cannot write to stdout: {error}"));
        result.or_else(|error| if is_nobody_reading(&error) { Ok(()) } else { Err(failed(error)) })
    }

    fn stdout(&self, text: &str) {
        self.write_stdout(text.as_bytes());
    }

    fn write_stdout(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bars.suspend(|| {
                let mut streams = self.streams();
                if streams.broken.is_none() {
                    streams.broken = streams.stdout.write_all(bytes).err();
                }
            });
        }
    }

    /// Where stderr itself cannot be written there is nobody left to tell.
    fn stderr(&self, text: &str) {
        if !text.is_empty() {
            self.bars.suspend(|| self.streams().stderr.write_all(text.as_bytes()).unwrap_or_default());
        }
    }

    /// A panic between two lines leaves the streams usable.
    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_nobody_reading(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
#[path = "output/tests.rs"]
mod tests;
