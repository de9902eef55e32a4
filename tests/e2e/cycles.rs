//! kill -9 of either side, again and again, while an ordinary user's source is edited: nothing acknowledged is lost, no
//! file is torn, nothing is left over, and the next round converges by itself.

use std::thread;
use std::time::{Duration, Instant};

use crate::support::tree::{listed, names};
use crate::support::{
    Edited, Kept, Outcome, PATIENCE, Random, Receiver, Started, World, assert_mirrored, assert_nothing_left_over,
    sized, wait_until,
};

/// Edits between two rounds, at most.
const EDITS: usize = 40;
/// Cycles for each kill that is to strike, at most: some come when the round has ended already.
const MOST_TRIES: usize = 3;
/// The first guess of how long a round takes; later it is what the last one took.
const FIRST_ROUND: Duration = Duration::from_millis(300);

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Struck {
    Client,
    Receiver,
    Both,
}

/// One source, one receiver, and what the cycles so far were like.
struct Cycles {
    world: World,
    receiver: Receiver,
    source: Edited,
    round_takes: Duration,
    struck: usize,
    late: usize,
    acknowledged: usize,
    /// Whether the last round left something for later than the next.
    has_to_wait: bool,
    /// What the first round delivered.
    first: Option<Kept>,
    /// What the client keeps for itself when nothing disturbs it.
    state: Vec<String>,
}

impl Cycles {
    fn begin(random: Random) -> Self {
        let world = World::new();
        let source = Edited::fill(world.source(), world.path("drafts"), random);
        let world = world.run_by_an_ordinary_user();
        let receiver = world.receiver();
        let (struck, late, acknowledged, has_to_wait, first, state) = Default::default();
        let round_takes = FIRST_ROUND;
        let mut cycles =
            Self { world, receiver, source, round_takes, struck, late, acknowledged, has_to_wait, first, state };
        let round = cycles.converge();
        cycles.first = Some(Kept::by(&round, &cycles.world.source()));
        cycles.state = names(&cycles.world.path("state"));
        cycles
    }

    fn start_round(&mut self) -> Started {
        self.source.begin_round();
        self.receiver.start_scan(&self.world, &["--max-delete", "100%", "--max-overwrite", "100%"])
    }

    /// Edits, kills in the middle of a round, and sees to it that all is well.
    fn turn(&mut self, struck: Struck) {
        self.edit_between_rounds();
        let mut client = self.start_round();
        self.wait_for_the_moment(&mut client);
        if struck != Struck::Receiver {
            client.strike();
        }
        if struck != Struck::Client {
            self.restart_receiver();
        }
        let ended = client.ended(PATIENCE);
        if struck == Struck::Receiver || ended.code >= 0 {
            self.note(&ended);
        }
        self.converge();
    }

    fn edit_between_rounds(&mut self) {
        let edits = self.source.random.below(EDITS);
        self.source.edit(edits);
        for _ in 0..self.source.random.below(3) {
            self.source.rewrite();
        }
    }

    /// A random moment of the round; in half of them the source is edited until then.
    fn wait_for_the_moment(&mut self, client: &mut Started) {
        let part = u32::try_from(self.source.random.below(120)).expect("small");
        let (began, moment) = (Instant::now(), self.round_takes * part / 100);
        let is_edited = self.source.random.in_hundred(50);
        while began.elapsed() < moment && client.is_running() {
            if is_edited {
                self.source.edit_once();
            }
            thread::sleep(Duration::from_millis(1));
        }
        if client.is_running() { self.struck += 1 } else { self.late += 1 }
    }

    /// kill -9, and another one in its place, which first finishes what was decided.
    fn restart_receiver(&mut self) {
        let address = self.receiver.address();
        self.receiver.strike();
        self.receiver = Receiver::start_at(&self.world, &address);
        let own = self.world.path("data/tester/.roundsman");
        assert_eq!(listed(&own.join("parking")), [""; 0], "left over by a receiver that started again");
        let instances: Vec<_> =
            listed(&own.join("staging")).into_iter().filter(|name| name.starts_with("i-")).collect();
        assert_eq!(instances, [""; 0], "left over by a receiver that started again");
        self.source.assert_holds(&Receiver::mirror(&self.world));
    }

    /// A round ended by itself. Only one that found all as it was when it looked again acknowledges all.
    #[track_caller]
    fn note(&mut self, round: &Outcome) {
        let is_fine = [0, 24].contains(&round.code) || self.is_overtaken_by_edits(round);
        assert!(is_fine, "{}\n{}\n{}", round.code, round.stdout, round.stderr);
        if round.code == 0 {
            self.source.acknowledge();
            self.acknowledged += 1;
        }
    }

    /// A directory that comes while the round looks may be missed although a file in it is seen. The receiver takes
    /// everything but that file, which then waits a while.
    fn is_overtaken_by_edits(&mut self, round: &Outcome) -> bool {
        let refused = round.stdout.lines().filter(|line| line.contains(r#""message_type":"problem""#));
        let is_known = |line: &str| line.contains("its directory does not exist in the mirror");
        self.has_to_wait = round.code == 3 && round.count("problems") > 0 && refused.into_iter().all(is_known);
        self.has_to_wait
    }

    /// Nobody edits any more: one round makes the mirror equal to the source, unless something has to wait.
    fn converge(&mut self) -> Outcome {
        if std::mem::take(&mut self.has_to_wait) {
            wait_until("nothing has to wait any more", || self.start_round().ended(PATIENCE).code == 0);
        }
        let began = Instant::now();
        let round = self.start_round().ended(PATIENCE).expect(0);
        self.round_takes = began.elapsed();
        self.note(&round);
        assert_mirrored(&self.world.source(), &Receiver::mirror(&self.world));
        let own = self.world.path("data/tester/.roundsman");
        assert_eq!(listed(&own.join("parking")), [""; 0], "left over by a round");
        round
    }

    /// After all that, everything is right, what the first round delivered comes back to the byte, and neither side
    /// keeps what is of no use.
    fn judge(&mut self) {
        self.converge();
        let from = ["--from", &self.receiver.url, "--token-file", "token"];
        self.world.run(&[&["verify", "source"], &from[..]].concat()).expect(0);
        let first = self.first.as_ref().expect("there was a first round");
        let restore = ["restore", "--mirror", "source", "--at", &first.revision(), "--into", "back"];
        self.world.run(&[&restore, &from[..]].concat()).expect(0);
        first.assert_is_back(&self.world.path("back"));
        assert_eq!(names(&self.world.path("state")), self.state, "what the client keeps for itself");
        assert_nothing_left_over(&self.world.path("data/tester/.roundsman"));
    }
}

#[track_caller]
fn kill_again_and_again(stream: u64, whom: &[Struck]) {
    let began = Instant::now();
    let mut cycles = Cycles::begin(Random::printed("kills", stream));
    let kills = sized(6, 75, 500);
    while cycles.struck < kills && cycles.struck + cycles.late < kills * MOST_TRIES {
        let struck = cycles.source.random.one_of(whom);
        cycles.turn(struck);
    }
    cycles.judge();
    let Cycles { struck, late, acknowledged, .. } = cycles;
    println!(
        "{whom:?}: {struck} in the middle, {late} too late, {acknowledged} rounds acknowledged, {:?}",
        began.elapsed()
    );
    assert_eq!(struck, kills, "kills that struck a round; {late} came too late");
}

#[test]
fn a_client_killed_again_and_again_while_its_source_is_edited_loses_nothing_acknowledged() {
    kill_again_and_again(1, &[Struck::Client]);
}

#[test]
fn a_receiver_killed_again_and_again_with_or_without_its_client_loses_nothing_acknowledged() {
    kill_again_and_again(2, &[Struck::Receiver, Struck::Both]);
}
