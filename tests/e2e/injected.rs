//! An error of the disk at the Nth call of a kind, in the real command: at the client, at the receiver, or in both when
//! they are one process. It ends in good order, keeps its promises, and the next rounds converge by themselves.

use std::fs;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use crate::support::tree::read;
use crate::support::world::signal;
use crate::support::{
    Edited, Outcome, PATIENCE, Random, Receiver, Started, World, assert_mirrored, comes_true, sized, wait_until,
};

/// Calls that fail, and among how many of each thread the one that does is chosen.
const CALLS: [(&str, usize); 8] = [
    ("openat,openat2", 60),
    ("write,pwrite64,writev", 40),
    ("copy_file_range", 4),
    ("fsync,fdatasync,syncfs", 8),
    ("rename,renameat,renameat2", 12),
    ("link,linkat", 8),
    ("unlink,unlinkat", 8),
    ("mkdir,mkdirat", 6),
];
const ERRORS: [&str; 3] = ["EIO", "ENOSPC", "EACCES"];
/// Every exit code there is.
const EXITS: [i32; 12] = [0, 1, 2, 3, 10, 11, 12, 13, 24, 25, 130, 143];
/// What is no file of ours: no disk fails there.
const NOT_OURS: [&str; 7] = ["anon_inode:", "pipe:", "socket:", "TCP:", "/dev/", "/lib", "/etc/ld.so"];
/// Edits before each round.
const EDITS: usize = 15;
/// Rounds for each error that is to strike, at most: many a round makes fewer calls than the one that is to fail.
const MOST_TRIES: usize = 6;

/// Where the errors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Receiver,
    /// Both are one process.
    Both,
}

/// What came of the samples.
#[derive(Debug, Default)]
struct Count {
    tried: usize,
    struck: usize,
    failed: usize,
}

/// One source and its mirror, under one error after another.
struct Bench {
    world: World,
    source: Edited,
    side: Side,
}

impl Bench {
    fn new(side: Side) -> Self {
        let world = World::new();
        let random = Random::printed(&format!("errors, {side:?}"), side as u64);
        let source = Edited::fill(world.source(), world.path("drafts"), random);
        if side != Side::Both {
            drop(world.receiver());
        }
        Self { world, source, side }
    }

    fn mirror(&self) -> std::path::PathBuf {
        if self.side == Side::Both { self.world.mirror() } else { Receiver::mirror(&self.world) }
    }

    /// One error at a random place of a round.
    fn sample(&mut self, count: &mut Count) {
        self.source.edit(EDITS);
        self.source.rewrite();
        let (calls, most) = self.source.random.one_of(&CALLS);
        let (error, when) = (self.source.random.one_of(&ERRORS), 1 + self.source.random.below(most));
        let fault = format!("{calls}:error={error}:when={when}");
        let before = read(&self.world.source());
        self.source.begin_round();
        let ended = match self.side {
            Side::Both => {
                vec![Started::new(self.injected(&fault, &["scan", "source", "--to", "data"])).ended(PATIENCE)]
            }
            Side::Client => self.round_with_bad_client(&fault),
            Side::Receiver => self.round_with_bad_receiver(&fault),
        };
        let (is_struck, is_ours) = self.hits();
        count.tried += 1;
        count.struck += usize::from(is_struck && is_ours);
        for one in ended.iter().filter(|_| is_ours) {
            assert!(EXITS.contains(&one.code), "{fault}: {one:?}");
            assert!(!one.stderr.contains("panicked"), "{fault}: {one:?}");
        }
        assert!(read(&self.world.source()) == before, "{fault}: the source was touched");
        count.failed += usize::from(ended.iter().any(|one| one.code != 0));
        // The first is the client, or a receiver that no client ever met.
        if ended[0].code == 0 {
            self.source.acknowledge();
        }
        self.source.assert_holds(&self.mirror());
        self.converge(&fault);
    }

    fn round_with_bad_client(&self, fault: &str) -> Vec<Outcome> {
        let receiver = Receiver::start(&self.world);
        let arguments = ["scan", "source", "--to", &receiver.url, "--token-file", "token"];
        vec![Started::new(self.injected(fault, &arguments)).ended(PATIENCE)]
    }

    /// A receiver that could not even start is as good as one that went away.
    fn round_with_bad_receiver(&self, fault: &str) -> Vec<Outcome> {
        let mut command = self.traced(fault);
        let receive = self.world.command(&["receive", "--data", "data", "--listen", "127.0.0.1:0"]);
        add(&mut command, &receive);
        let mut receiver = Started::new(command);
        wait_until("it listens or has ended", || receiver.stdout().contains('\n') || !receiver.is_running());
        let said = receiver.stdout();
        let Some(url) = said.split_whitespace().find(|word| word.starts_with("http://")) else {
            return vec![receiver.ended(PATIENCE)];
        };
        let arguments =
            ["scan", "source", "--to", url, "--token-file", "token", "--retry-for", "1s", "--max-delete", "100%"];
        let client = self.world.start(&arguments).ended(PATIENCE);
        let children = format!("/proc/{0}/task/{0}/children", receiver.id());
        for child in fs::read_to_string(children).unwrap_or_default().split_whitespace() {
            signal(child.parse().expect("the number of a process"), "TERM");
        }
        vec![client, receiver.ended(PATIENCE)]
    }

    fn injected(&self, fault: &str, arguments: &[&str]) -> Command {
        let mut command = self.traced(fault);
        add(&mut command, &self.world.command(&[arguments, &["--retry-for", "1s", "--max-delete", "100%"]].concat()));
        command
    }

    fn traced(&self, fault: &str) -> Command {
        let (calls, _) = fault.split_once(':').expect("calls and how they fail");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-y", "-o"]).arg(self.world.path("calls"));
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={fault}")]);
        command.current_dir(self.world.path(""));
        command
    }

    /// Whether a call was made to fail, and whether all that were are about files of ours.
    fn hits(&self) -> (bool, bool) {
        let calls = fs::read(self.world.path("calls")).unwrap_or_default();
        let calls = String::from_utf8_lossy(&calls);
        let mut hits = calls.lines().filter(|line| line.contains("(INJECTED)")).peekable();
        let is_struck = hits.peek().is_some();
        (is_struck, hits.all(|line| !NOT_OURS.iter().any(|other| line.contains(other))))
    }

    /// Nothing fails any more.
    fn converge(&mut self, fault: &str) {
        self.source.begin_round();
        let receiver = (self.side != Side::Both).then(|| Receiver::start(&self.world));
        let mut last = None;
        let more = ["--max-delete", "100%"];
        let converges = comes_true(PATIENCE, || {
            let round = match &receiver {
                Some(receiver) => receiver.scan(&self.world, &more),
                None => self.world.scan(&more),
            };
            last.insert(round).code == 0
        });
        assert!(converges, "{fault}: does not converge: {last:?}");
        self.source.acknowledge();
        assert_mirrored(&self.world.source(), &self.mirror());
    }
}

/// The program, arguments and environment of a command, after those of another.
fn add(command: &mut Command, other: &Command) {
    command.arg(other.get_program()).args(other.get_args()).env_clear();
    command.envs(other.get_envs().filter_map(|(name, value)| Some((name, value?))));
}

#[test]
fn an_error_of_the_disk_at_any_call_of_either_side_breaks_no_promise() {
    let counts = Mutex::new(Vec::new());
    let samples = sized(4, 34, 334);
    thread::scope(|scope| {
        for side in [Side::Client, Side::Receiver, Side::Both] {
            let counts = &counts;
            scope.spawn(move || {
                let (mut bench, mut mine) = (Bench::new(side), Count::default());
                bench.converge("no error yet");
                while mine.struck < samples && mine.tried < samples * MOST_TRIES {
                    bench.sample(&mut mine);
                }
                println!("{side:?}: {mine:?}");
                counts.lock().expect("not poisoned").push(mine);
            });
        }
    });
    for count in counts.into_inner().expect("not poisoned") {
        assert_eq!(count.struck, samples, "errors that struck a file of ours: {count:?}");
    }
}
