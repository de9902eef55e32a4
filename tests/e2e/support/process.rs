//! A command that runs beside the test: what it said so far, signals to it, and its end.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::world::{Outcome, signal, summaries};

/// How long anything may take that a test waits for, unless the time itself is what it is about.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often a test looks.
const POLL: Duration = Duration::from_millis(10);

/// Whether a condition comes true within a time.
pub(crate) fn comes_true(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Waits until a condition is true; fails past [`PATIENCE`].
#[track_caller]
pub(crate) fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(comes_true(PATIENCE, condition), "waited {PATIENCE:?} in vain until {what}");
}

/// What either side may take in memory, in bytes.
const MOST_MEMORY: u64 = 128 * 1024 * 1024;
/// No process of ours takes less: then none was looked at.
const LEAST_MEMORY: u64 = 1024 * 1024;

/// The most memory that each side ever had, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Peaks {
    client: u64,
    receiver: u64,
}

impl Peaks {
    /// Looks at both processes; one that has ended tells nothing any more.
    pub(crate) fn look(&mut self, client: u32, receiver: u32) {
        self.client = self.client.max(peak_memory(client));
        self.receiver = self.receiver.max(peak_memory(receiver));
    }

    /// Fails where a side took more than is promised, whatever the tree.
    #[track_caller]
    pub(crate) fn are_within_the_promise(self) {
        println!("{self:?}");
        let within = |peak| peak > LEAST_MEMORY && peak < MOST_MEMORY;
        assert!(within(self.client) && within(self.receiver), "{self:?}");
    }
}

/// The most memory that a process ever had, in bytes; 0 once it has ended.
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

/// A command that runs in the background; killed when dropped.
#[derive(Debug)]
pub(crate) struct Started {
    child: Child,
    stdout: Captured,
    stderr: Captured,
}

/// All that came out of a pipe so far.
#[derive(Debug)]
struct Captured {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Reads until the pipe's end; taken when that was waited for.
    reader: Option<JoinHandle<()>>,
}

impl Captured {
    fn from(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                all.lock().expect("not poisoned").extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, reader: Some(reader) }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("not poisoned")).into_owned()
    }

    fn all(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading a pipe does not panic");
        }
        self.so_far()
    }
}

impl Started {
    /// Starts a command; its output is kept.
    pub(crate) fn new(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command starts");
        let stdout = Captured::from(child.stdout.take().expect("its stdout is a pipe"));
        let stderr = Captured::from(child.stderr.take().expect("its stderr is a pipe"));
        Self { child, stdout, stderr }
    }

    pub(crate) fn stdout(&self) -> String {
        self.stdout.so_far()
    }

    pub(crate) fn stderr(&self) -> String {
        self.stderr.so_far()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Waits until it ended so many rounds, as told by `--json`.
    #[track_caller]
    pub(crate) fn wait_for_rounds(&self, count: usize) {
        wait_until("the loop made its rounds", || self.rounds().len() >= count);
    }

    /// The summaries so far of a loop with `--json`.
    pub(crate) fn rounds(&self) -> Vec<serde_json::Value> {
        summaries(&self.stdout())
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits for its end, which must come within this time.
    #[track_caller]
    pub(crate) fn ended(mut self, within: Duration) -> Outcome {
        let ended = comes_true(within, || !self.is_running());
        assert!(ended, "still running after {within:?}\nstdout: {}\nstderr: {}", self.stdout(), self.stderr());
        self.outcome()
    }

    /// kill -9, and what it had said by then.
    pub(crate) fn kill(mut self) -> Outcome {
        self.strike();
        self.outcome()
    }

    /// kill -9; it is gone then.
    pub(crate) fn strike(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it ends");
    }

    fn outcome(mut self) -> Outcome {
        let status = self.child.wait().expect("it is our child");
        Outcome::new(status, self.stdout.all(), self.stderr.all())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}
