//! A world: a source, a place for state, and either a receiver process or a local directory as destination.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Started, comes_true};
use super::tree::{assert_mirrored, write};

/// How one run of the command ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self::new(output.status, text(&output.stdout), text(&output.stderr))
    }
}

impl Outcome {
    /// The code is minus the number of the signal that killed it, if one did.
    pub(crate) fn new(status: ExitStatus, stdout: String, stderr: String) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = status.signal().map_or(-1, |signal| -signal);
        Self { code: status.code().unwrap_or(signal), stdout, stderr }
    }

    /// Fails unless the command ended with this code; shows what it said.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The summary of `--json`: the last line on stdout.
    #[track_caller]
    pub(crate) fn summary(&self) -> serde_json::Value {
        let last = self.stdout.lines().last().expect("a summary is the last line");
        let summary: serde_json::Value = serde_json::from_str(last).expect("the summary is JSON");
        assert_eq!(summary["message_type"], "summary");
        summary
    }

    /// Every summary of a loop with `--json`.
    pub(crate) fn summaries(&self) -> Vec<serde_json::Value> {
        summaries(&self.stdout)
    }

    /// One number of the summary.
    #[track_caller]
    pub(crate) fn count(&self, key: &str) -> u64 {
        self.summary()[key].as_u64().unwrap_or_else(|| panic!("the summary has no number {key}: {}", self.stdout))
    }
}

/// The summaries in what `--json` said. The last line of a command that runs, or was killed, may be half there.
pub(crate) fn summaries(stdout: &str) -> Vec<serde_json::Value> {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter(|message| message["message_type"] == "summary").collect()
}

/// A source, a state directory, a destination directory, all in one temporary directory.
#[derive(Debug)]
pub(crate) struct World {
    root: TempDir,
    /// The ordinary user that the command runs as, where the tests run as root.
    user: Option<u32>,
}

/// `nobody`.
pub(crate) const ORDINARY_USER: u32 = 65_534;

impl World {
    pub(crate) fn new() -> Self {
        let root = TempDir::with_prefix("roundsman-e2e-").expect("a temporary directory");
        std::fs::create_dir(root.path().join("source")).expect("the source can be made");
        Self { root, user: None }
    }

    /// A world whose source is this tree.
    pub(crate) fn with(items: &[&str]) -> Self {
        let world = Self::new();
        write(&world.source(), items);
        world
    }

    /// The same world, owned by an ordinary user, whom the command then runs as: root may read everything. Tests that
    /// run as an ordinary user stay who they are.
    pub(crate) fn run_by_an_ordinary_user(mut self) -> Self {
        if rustix::process::geteuid().is_root() {
            let owner = format!("{ORDINARY_USER}:{ORDINARY_USER}");
            // The user need not be able to reach the directory that the command was built in.
            std::fs::copy(env!("CARGO_BIN_EXE_roundsman"), self.path("roundsman")).expect("the command is copied");
            let status = Command::new("chown").args(["-Rh", &owner]).arg(self.root.path()).status();
            assert!(status.expect("chown runs").success());
            self.user = Some(ORDINARY_USER);
        }
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.path("source")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Where the mirror of the local client lies.
    pub(crate) fn mirror(&self) -> PathBuf {
        self.path("data/local/source")
    }

    /// The command in a clean environment, with its state in this world.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.user {
            None => Command::new(env!("CARGO_BIN_EXE_roundsman")),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()]);
                command.arg(self.path("roundsman"));
                command
            }
        };
        command.args(arguments).env_clear().env("HOME", self.root.path()).env("PATH", "/usr/bin:/bin");
        command.env("ROUNDSMAN_STATE_DIR", self.path("state")).current_dir(self.root.path()).stdin(Stdio::null());
        command
    }

    /// Runs the command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.command(arguments).output().expect("the command can be run").into()
    }

    /// Starts the command and lets it run.
    pub(crate) fn start(&self, arguments: &[&str]) -> Started {
        Started::new(self.command(arguments))
    }

    /// Starts a loop to the local directory, with `--json`.
    pub(crate) fn start_loop(&self, interval: &str) -> Started {
        self.start(&["scan", "source", "--to", "data", "--interval", interval, "--json"])
    }

    /// One round to the local directory, with `--json` and more arguments.
    pub(crate) fn scan(&self, more: &[&str]) -> Outcome {
        self.run(&[&["scan", "source", "--to", "data", "--json"], more].concat())
    }

    /// A round that must go well; the mirror must then be the source.
    #[track_caller]
    pub(crate) fn round(&self) -> Outcome {
        let outcome = self.scan(&[]).expect(0);
        assert_mirrored(&self.source(), &self.mirror());
        outcome
    }

    /// Starts a receiver on a free port, with a client `tester` whose token lies in `token`.
    pub(crate) fn receiver(&self) -> Receiver {
        let added = self.run(&["client", "add", "tester", "--data", "data"]).expect(0);
        let token = self.path("token");
        std::fs::write(&token, added.stdout.trim()).expect("the token can be kept");
        std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("mode 600");
        std::os::unix::fs::chown(&token, self.user, self.user).expect("the token is whose the command is");
        Receiver::start(self)
    }
}

/// A receiver process; ended when dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    child: Child,
    pub(crate) url: String,
}

impl Receiver {
    /// Starts it and waits until it says where it listens.
    pub(crate) fn start(world: &World) -> Self {
        Self::start_at(world, "127.0.0.1:0")
    }

    /// The same at an address.
    pub(crate) fn start_at(world: &World, address: &str) -> Self {
        Self::started(world.command(&["receive", "--data", "data", "--listen", address]))
    }

    /// The same by any command.
    pub(crate) fn started(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the receiver starts");
        let stdout = child.stdout.take().expect("its stdout is a pipe");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it says where it listens");
        let url = line.trim().rsplit(' ').next().expect("the address is the last word").to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "the receiver said: {line:?}");
        Self { child, url }
    }

    /// The mirror of the client `tester`.
    pub(crate) fn mirror(world: &World) -> PathBuf {
        world.path("data/tester/source")
    }

    /// One round of the client `tester` to it.
    pub(crate) fn scan(&self, world: &World, more: &[&str]) -> Outcome {
        let fixed = ["scan", "source", "--to", &self.url, "--token-file", "token", "--json"];
        world.run(&[&fixed, more].concat())
    }

    /// Starts a round, or a loop of rounds, of the client `tester` to it.
    pub(crate) fn start_scan(&self, world: &World, more: &[&str]) -> Started {
        let fixed = ["scan", "source", "--to", &self.url, "--token-file", "token", "--json"];
        world.start(&[&fixed, more].concat())
    }

    /// Its address, such as `127.0.0.1:7373`.
    pub(crate) fn address(&self) -> String {
        self.url.trim_start_matches("http://").to_owned()
    }

    /// Asks it to end; the exit code, which must come within this time.
    #[track_caller]
    pub(crate) fn end(mut self, name: &str, within: Duration) -> Option<i32> {
        signal(self.child.id(), name);
        let mut status = None;
        let ended = comes_true(within, || {
            status = self.child.try_wait().expect("it is our child");
            status.is_some()
        });
        assert!(ended, "the receiver is still running {within:?} after SIG{name}");
        status.and_then(|status| status.code())
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.strike();
    }

    /// The same, where something is to take its place.
    pub(crate) fn strike(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().ok();
        }
    }
}

/// Sends a signal to a process by its id.
pub(crate) fn signal(id: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().expect("kill runs");
    assert!(status.success(), "kill -{name} {id}");
}

/// Whether a path is there at all, a dangling link included.
pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
