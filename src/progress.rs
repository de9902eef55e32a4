//! How a round goes on: bars for people at a terminal, status lines for programs.

mod status;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indicatif::{
    BinaryBytes, HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
};
use seams::progress::Progress;

pub(crate) use status::StatusLines;

/// One bar for scanning and one for sending, on stderr.
#[derive(Debug, Clone)]
pub(crate) struct Bars {
    both: MultiProgress,
    scanning: Bar,
    sending: Bar,
}

/// A bar over bytes that also counts files.
#[derive(Debug, Clone)]
struct Bar {
    bytes: ProgressBar,
    files: Arc<AtomicU64>,
}

const SCANNING: &str = "{spinner} Scanning  {files}, {seen}";
const SENDING: &str =
    "{spinner} Sending   {files} [{bar:24}] {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left";

const RESTORING: &str =
    "{spinner} Restoring {files} [{bar:24}] {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left";

/// The bar of a restore; taken away when it is dropped.
#[derive(Debug)]
pub(crate) struct RestoreBar(Bar);

impl RestoreBar {
    /// One more file is to come, of so many bytes.
    pub(crate) fn expects(&self, bytes: u64) {
        self.0.files.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.set_length(self.0.bytes.length().unwrap_or(0).saturating_add(bytes));
    }

    /// So many bytes came.
    pub(crate) fn came(&self, bytes: u64) {
        self.0.bytes.inc(bytes);
    }
}

impl Drop for RestoreBar {
    fn drop(&mut self) {
        self.0.bytes.finish_and_clear();
    }
}

impl Bars {
    /// A bar for a restore.
    pub(crate) fn restoring(&self) -> RestoreBar {
        RestoreBar(Bar::on(&self.both, RESTORING))
    }

    /// Bars where `shown`, else nothing.
    pub(crate) fn new(shown: bool) -> Self {
        Self::on(if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() })
    }

    fn on(target: ProgressDrawTarget) -> Self {
        let both = MultiProgress::with_draw_target(target);
        let scanning = Bar::on(&both, SCANNING);
        let sending = Bar::on(&both, SENDING);
        Self { both, scanning, sending }
    }

    /// The bars at the beginning of a round.
    pub(crate) fn begin(&self) -> Self {
        self.scanning.begin();
        self.sending.begin();
        self.clone()
    }

    /// Takes the bars away while something is printed.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.both.suspend(print)
    }

    /// Takes the bars away until the next round begins.
    pub(crate) fn clear(&self) {
        self.scanning.bytes.finish_and_clear();
        self.sending.bytes.finish_and_clear();
    }
}

impl Bar {
    fn on(both: &MultiProgress, template: &str) -> Self {
        let files = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&files);
        let style = ProgressStyle::with_template(template)
            .expect("the template is a constant that the tests draw")
            .with_key("files", move |_: &ProgressState, to: &mut dyn std::fmt::Write| {
                write!(to, "{} files", HumanCount(counted.load(Ordering::Relaxed))).unwrap_or_default();
            })
            .with_key("seen", |state: &ProgressState, to: &mut dyn std::fmt::Write| {
                write!(to, "{}", BinaryBytes(state.pos())).unwrap_or_default();
            });
        Self { bytes: both.add(ProgressBar::no_length().with_style(style)), files }
    }

    fn begin(&self) {
        self.files.store(0, Ordering::Relaxed);
        self.bytes.reset();
        self.bytes.unset_length();
    }

    fn add(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.bytes.inc(bytes);
    }
}

impl Progress for Bars {
    fn seen(&self, files: u64, bytes: u64) {
        self.scanning.add(files, bytes);
    }

    fn read(&self, _bytes: u64) {
        self.scanning.bytes.tick();
    }

    fn to_send(&self, files: u64, bytes: u64) {
        self.sending.files.fetch_add(files, Ordering::Relaxed);
        self.sending.bytes.set_length(self.sending.bytes.length().unwrap_or(0).saturating_add(bytes));
    }

    fn spared(&self, bytes: u64) {
        self.sending.bytes.set_length(self.sending.bytes.length().unwrap_or(0).saturating_sub(bytes));
    }

    fn sent(&self, bytes: u64) {
        self.sending.bytes.inc(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use indicatif::TermLike;

    use super::*;

    /// Keeps all that is ever drawn.
    #[derive(Debug, Clone, Default)]
    struct Drawn(Arc<Mutex<String>>);

    impl Drawn {
        fn text(&self) -> String {
            self.0.lock().expect("not poisoned").clone()
        }
    }

    impl TermLike for Drawn {
        fn width(&self) -> u16 {
            120
        }

        fn height(&self) -> u16 {
            10
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().expect("not poisoned").push_str(text);
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }

        fn clear_line(&self) -> io::Result<()> {
            self.write_str("<clear>")
        }

        fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn_bars() -> (Bars, Drawn) {
        let drawn = Drawn::default();
        (Bars::on(ProgressDrawTarget::term_like(Box::new(drawn.clone()))).begin(), drawn)
    }

    #[test]
    fn bars_show_files_bytes_rate_and_time_left() {
        let (bars, drawn) = drawn_bars();
        bars.seen(12_345, 3 * 1024 * 1024);
        bars.to_send(7, 4096);
        bars.sent(1024);
        bars.sending.bytes.force_draw();
        let text = drawn.text();
        for part in ["Scanning  12,345 files, 3.00 MiB", "Sending   7 files [", "1.00 KiB/4.00 KiB", "/s", "left"] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }

    #[test]
    fn what_the_receiver_turns_out_to_have_is_not_left_to_send() {
        let (bars, drawn) = drawn_bars();
        bars.to_send(7, 4096);
        bars.spared(2048);
        bars.sent(1024);
        bars.sending.bytes.force_draw();
        assert!(drawn.text().contains("1.00 KiB/2.00 KiB"), "{}", drawn.text());
    }

    #[test]
    fn a_line_printed_while_bars_are_shown_has_a_line_of_its_own() {
        let (bars, drawn) = drawn_bars();
        bars.seen(1, 1);
        bars.scanning.bytes.force_draw();
        bars.suspend(|| drawn.write_line("+ a file")).expect("is in memory");
        let text = drawn.text();
        let (before, _) = text.split_once("+ a file").expect("was printed");
        assert!(before.ends_with("<clear>"), "{text}");
    }

    #[test]
    fn after_a_round_the_bars_are_gone_until_the_next_one_begins() {
        let (bars, drawn) = drawn_bars();
        bars.seen(1, 1);
        bars.scanning.bytes.force_draw();
        bars.clear();
        bars.suspend(|| drawn.write_line("the last line")).expect("is in memory");
        let last = drawn.text().rfind("the last line").expect("was printed");
        assert!(!drawn.text()[last..].contains("Scanning"), "{}", drawn.text());
        bars.begin().scanning.bytes.force_draw();
        assert!(drawn.text()[last..].contains("Scanning  0 files"), "{}", drawn.text());
    }

    #[test]
    fn nothing_is_drawn_where_nobody_watches() {
        let bars = Bars::new(false).begin();
        bars.seen(1, 1);
        bars.to_send(1, 1);
        assert!(bars.both.is_hidden());
    }
}
