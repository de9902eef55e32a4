//! Logs: for people on stderr, as loud as they asked for; for later in a file, as JSON lines.
//!
//! Names in events come from the outside: control characters are escaped, so that no name can forge a line or
//! command a terminal. Tokens and contents of files are never logged; that is the caller's duty.

mod escaping;
mod rotating;

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use thiserror::Error;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::progress::Bars;
use crate::route::shown;
use crate::settings::OutputSettings;
use escaping::Escaping;
use rotating::{Rotating, Rotation};

/// What of the log file is kept.
const KEPT: Rotation = Rotation { bytes_per_file: 10 * 1024 * 1024, files: 5 };

/// Our own crates. What libraries have to say is of interest only where something is wrong.
const OURS: [&str; 6] = ["roundsman", "scanner", "snapshot_db", "uploader", "receiver", "seams"];

/// The log file cannot be used.
#[derive(Debug, Error)]
#[error("cannot write the log file {}", shown(path))]
pub(crate) struct LogError {
    /// The file.
    pub(crate) path: PathBuf,
    /// Why.
    #[source]
    pub(crate) source: io::Error,
}

/// Starts logging for the whole process. Called once, before anything else happens.
///
/// # Errors
/// The log file cannot be created.
pub(crate) fn start(settings: &OutputSettings, bars: &Bars) -> Result<(), LogError> {
    let file = settings.log_file.as_ref().map(|path| {
        let rotating = Rotating::open(path, KEPT);
        rotating.map_err(|source| LogError { path: path.clone(), source })
    });
    let bars = bars.clone();
    let stderr = people(move || BesideBars(bars.clone()), stderr_level(settings));
    let file = file.transpose()?.map(|file| programs(file, file_level(settings)));
    tracing_subscriber::registry().with(stderr).with(file).init();
    Ok(())
}

fn people<S, W>(writer: impl Fn() -> W + Send + Sync + 'static, level: LevelFilter) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    let escaped = move || Escaping::new(writer());
    fmt::layer().without_time().with_target(false).with_ansi(false).with_writer(escaped).with_filter(of_ours(level))
}

fn programs<S>(file: Rotating, level: LevelFilter) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer().json().with_writer(Mutex::new(Escaping::new(file))).with_filter(of_ours(level))
}

fn of_ours(level: LevelFilter) -> Targets {
    let others = level.min(LevelFilter::WARN);
    Targets::new().with_default(others).with_targets(OURS.map(|ours| (ours, level)))
}

/// With `--quiet`, errors are told by the command itself, once.
fn stderr_level(settings: &OutputSettings) -> LevelFilter {
    match (settings.quiet, settings.verbose) {
        (true, _) => LevelFilter::OFF,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, 3..) => LevelFilter::TRACE,
    }
}

fn file_level(settings: &OutputSettings) -> LevelFilter {
    match settings.verbose {
        0 | 1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        3.. => LevelFilter::TRACE,
    }
}

/// Stderr, with the bars out of the way.
struct BesideBars(Bars);

impl Write for BesideBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Debug, Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn for_people_an_event_is_one_line_without_control_characters_and_libraries_are_quiet() {
        let written = Written::default();
        let stderr = written.clone();
        let subscriber = tracing_subscriber::registry().with(people(move || stderr.clone(), LevelFilter::INFO));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "scanner", path = %"a\nb\u{1b}[2J", "odd name");
            tracing::debug!(target: "scanner", "not asked for");
            tracing::info!(target: "hyper", "of no interest");
        });
        let text = String::from_utf8(written.0.lock().expect("not poisoned").clone()).expect("is text");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("odd name") && !text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn the_file_is_created_with_its_directory_and_holds_json_lines() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("deep/down/log");
        let file = Rotating::open(&path, KEPT).expect("creates");
        let subscriber = tracing_subscriber::registry().with(programs(file, LevelFilter::INFO));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "uploader", path = "a\nb\u{85}\u{202e}", "delivered");
        });
        let text = std::fs::read_to_string(&path).expect("reads");
        assert_eq!(text.lines().count(), 1, "{text}");
        let event: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
        assert_eq!(
            (&event["fields"]["message"], &event["fields"]["path"]),
            (&"delivered".into(), &"a\nb\u{85}\u{202e}".into())
        );
        assert!(!text.contains('\u{85}'));
    }

    #[test]
    fn verbosity_is_counted_and_quiet_wins() {
        let level = |quiet, verbose| {
            stderr_level(&OutputSettings { quiet, verbose, json: false, no_color: false, log_file: None })
        };
        assert_eq!(
            [level(false, 0), level(false, 1), level(false, 2)],
            [LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG]
        );
        assert_eq!(level(true, 3), LevelFilter::OFF);
    }
}
