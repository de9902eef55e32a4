//! Power cuts: the file system that holds DATA stops in the middle of everything (`FS_IOC_SHUTDOWN`), and comes back
//! with what was durable. Nothing acknowledged is lost, to the byte; the next round converges by itself.
//!
//! Most cuts come right after an acknowledgement: that is the moment at which a missing sync would show.

mod disk;

use std::thread;
use std::time::{Duration, Instant};

use crate::support::{
    Edited, Kept, Outcome, PATIENCE, Random, Receiver, Started, World, assert_mirrored, assert_nothing_left_over, sized,
};

use disk::{Disk, Format};

/// Edits before a round: few files are synced one by one, many by one sync of the file system.
const FEW_EDITS: usize = 6;
const MANY_EDITS: usize = 60;
/// How often of a hundred times the cut comes right after the acknowledgement.
const RIGHT_AFTER: usize = 70;
/// SQLite writes its log from the beginning again past 1,000 pages. From then on it does not grow, so that less of it is
/// durable by chance.
const WRAPPED_LOG: u64 = 4_000_000;
/// Cuts that one file system goes through, at most.
const CUTS: usize = 25;
/// Of how many cuts one at least must come in the middle of a round.
const ONE_IN: usize = 4;
/// How often of a hundred times the power fails once more, while the receiver makes good what the first cut left undone.
const ONCE_MORE: usize = 30;
/// Until then it has begun to serve.
const START: Duration = Duration::from_millis(60);

/// Where the catalog lies. SQLite syncs its log by `fsync`, which on ext4 and xfs makes all names durable that were
/// made before. Other file systems do not, and a catalog on another disk does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Catalog {
    OnDisk,
    /// Where the power does not fail: only the receiver's own syncs make files and names durable.
    Apart,
}

/// A receiver on a disk whose power fails, and a client.
struct Site {
    receiver: Option<Receiver>,
    disk: Disk,
    source: Edited,
    is_state_on_disk: bool,
    address: String,
    round_takes: Duration,
    acknowledged: usize,
    /// Cuts that came in the middle of a round.
    in_the_middle: usize,
    /// Cuts of a receiver that was starting after one of those.
    once_more: usize,
    /// What a round delivered before the first cut.
    kept: Option<Kept>,
}

impl Site {
    fn begin(format: Format, catalog: Catalog, is_state_on_disk: bool, random: Random) -> Self {
        let disk = Disk::mount(World::new(), format);
        let source = Edited::fill(disk.world.source(), disk.world.path("drafts"), random);
        let (acknowledged, in_the_middle, once_more, kept) = Default::default();
        let round_takes = Duration::from_millis(300);
        let address = String::from("127.0.0.1:0");
        let receiver = None;
        let mut site = Self {
            receiver,
            disk,
            source,
            is_state_on_disk,
            address,
            round_takes,
            acknowledged,
            in_the_middle,
            once_more,
            kept,
        };
        site.add_client();
        site.start_receiver();
        match catalog {
            Catalog::OnDisk => site.wrap_the_log(),
            Catalog::Apart => site.set_catalog_apart(),
        }
        let round = site.round();
        site.kept = Some(Kept::by(&round, &site.disk.world.source()));
        site
    }

    /// A client that was added is there after a cut.
    fn add_client(&mut self) {
        let added = self.disk.inside(&self.disk.world.command(&["client", "add", "tester", "--data", "disk/data"]));
        let added = Started::new(added).ended(PATIENCE).expect(0);
        self.disk.cut();
        self.disk.restore();
        let token = self.disk.world.path("token");
        std::fs::write(&token, added.stdout.trim()).expect("written");
        std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("mode 600");
    }

    /// Always at the same address, so that it seems the same receiver to its client.
    fn start_receiver(&mut self) {
        let receiver = Receiver::started(self.receive());
        self.address = receiver.address();
        self.receiver = Some(receiver);
    }

    fn receive(&self) -> std::process::Command {
        let command = self.disk.world.command(&["receive", "--data", "disk/data", "--listen", &self.address]);
        self.disk.inside(&command)
    }

    fn start_round(&mut self) -> Started {
        self.source.begin_round();
        let url = format!("http://{}", self.address);
        let fixed = ["scan", "source", "--to", &url, "--token-file", "token", "--json"];
        let more = ["--max-delete", "100%", "--max-overwrite", "100%"];
        let mut command = self.disk.world.command(&[&fixed[..], &more].concat());
        if self.is_state_on_disk {
            command.env("ROUNDSMAN_STATE_DIR", self.disk.world.path("disk/state"));
        }
        Started::new(self.disk.inside(&command))
    }

    /// A round that nothing disturbs.
    fn round(&mut self) -> Outcome {
        let began = Instant::now();
        let round = self.start_round().ended(PATIENCE).expect(0);
        self.round_takes = began.elapsed();
        self.source.acknowledge();
        self.acknowledged += 1;
        round
    }

    fn wrap_the_log(&mut self) {
        let log = self.disk.path("disk/data/tester/.roundsman/catalog.db-wal");
        while std::fs::metadata(&log).map_or(0, |log| log.len()) < WRAPPED_LOG {
            self.source.edit(MANY_EDITS);
            self.round();
        }
    }

    /// What follows a link there is not ours to know: to the receiver the catalog is where it was.
    fn set_catalog_apart(&mut self) {
        self.round();
        assert_eq!(self.receiver.take().expect("it runs").end("TERM", PATIENCE), Some(0));
        let (here, apart) = ("disk/data/tester/.roundsman/catalog.db", self.disk.world.path("catalog.db"));
        std::fs::copy(self.disk.path(here), &apart).expect("copied");
        std::fs::remove_file(self.disk.path(here)).expect("removed");
        std::os::unix::fs::symlink(&apart, self.disk.path(here)).expect("linked");
        self.start_receiver();
    }

    fn edit(&mut self) {
        let most = self.source.random.one_of(&[FEW_EDITS, MANY_EDITS]);
        let edits = 1 + self.source.random.below(most);
        self.source.edit(edits);
        self.source.rewrite();
    }

    fn turn(&mut self) {
        self.edit();
        if self.source.random.in_hundred(RIGHT_AFTER) {
            self.cut_right_after();
        } else {
            self.cut_in_the_middle();
        }
        assert_mirrored(&self.disk.world.source(), &self.mirror());
    }

    /// Until enough cuts came in the middle of a round, however fast the rounds are.
    fn cut_often_enough_in_the_middle(&mut self, cuts: usize) {
        let least = cuts.div_ceil(ONE_IN);
        for _ in 0..cuts {
            if self.in_the_middle < least {
                self.edit();
                self.cut_in_the_middle();
            }
        }
        assert!(self.in_the_middle >= least, "{} of {cuts} cuts in the middle of a round", self.in_the_middle);
    }

    /// What a round acknowledged is there, and the next one has nothing to do.
    fn cut_right_after(&mut self) {
        let before = self.round();
        self.cut();
        assert_mirrored(&self.disk.world.source(), &self.mirror());
        let after = self.round();
        for kind in ["created", "modified", "metadata", "moved", "deleted"] {
            assert_eq!(after.count(kind), 0, "{kind} after a cut: {}", after.stdout);
        }
        assert_eq!(after.count("revision"), before.count("revision"), "the head after a cut");
    }

    fn cut_in_the_middle(&mut self) {
        let mut client = self.start_round();
        let part = u32::try_from(self.source.random.below(110)).expect("small");
        thread::sleep(self.round_takes * part / 100);
        self.in_the_middle += usize::from(client.is_running());
        self.disk.cut();
        client.strike();
        if client.ended(PATIENCE).code == 0 {
            self.source.acknowledge();
        }
        if self.source.random.in_hundred(ONCE_MORE) {
            self.cut_while_it_starts();
        }
        self.come_back();
        self.source.assert_holds(&self.mirror());
        self.round();
    }

    fn cut(&mut self) {
        self.disk.cut();
        self.come_back();
    }

    /// The power comes back, and fails again at a moment of the receiver's start.
    fn cut_while_it_starts(&mut self) {
        self.receiver.as_mut().expect("it runs").strike();
        self.disk.restore();
        let mut starting = Started::new(self.receive());
        let part = u32::try_from(self.source.random.below(100)).expect("small");
        thread::sleep(START * part / 100);
        self.disk.cut();
        starting.strike();
        self.once_more += 1;
    }

    /// The machine starts again. What was begun is done or undone then.
    fn come_back(&mut self) {
        self.receiver.as_mut().expect("it ran").strike();
        self.disk.restore();
        self.start_receiver();
        assert_nothing_left_over(&self.disk.path("disk/data/tester/.roundsman"));
    }

    /// After all the cuts everything is right, old versions included.
    fn judge(&self) {
        let url = format!("http://{}", self.address);
        let from = ["--from", &url, "--token-file", "token"];
        let run = |command: &[&str]| {
            let command = self.disk.world.command(&[command, &from].concat());
            Started::new(self.disk.inside(&command)).ended(PATIENCE).expect(0)
        };
        run(&["verify", "source"]);
        let kept = self.kept.as_ref().expect("there was a round before the first cut");
        run(&["restore", "--mirror", "source", "--at", &kept.revision(), "--into", "back"]);
        kept.assert_is_back(&self.disk.world.path("back"));
    }

    fn mirror(&self) -> std::path::PathBuf {
        self.disk.path("disk/data/tester/source")
    }
}

/// So many cuts, in the full run of the tests, of file systems of this format.
#[track_caller]
fn cut_again_and_again(format: Format, catalog: Catalog, cuts: usize) {
    let began = Instant::now();
    let (mut left, mut life, mut middle, mut once_more) = (cuts, 0, 0, 0);
    while left > 0 {
        let now = left.min(CUTS);
        // With the receiver's disk the client's fails, or it does not.
        let is_state_on_disk = life % 2 == 0;
        let mut site =
            Site::begin(format, catalog, is_state_on_disk, Random::printed(&format!("cuts of {format:?}"), life));
        for _ in 0..now {
            site.turn();
        }
        site.cut_often_enough_in_the_middle(now);
        site.judge();
        middle += site.in_the_middle;
        once_more += site.once_more;
        left -= now;
        life += 1;
    }
    let took = began.elapsed();
    println!("{format:?}, {catalog:?}: {cuts} cuts, {middle} in the middle of a round, {once_more} again, {took:?}");
}

#[test]
#[ignore = "needs root"]
fn nothing_acknowledged_is_lost_by_power_cuts_on_ext4() {
    cut_again_and_again(Format::Ext4, Catalog::OnDisk, sized(4, 50, 500));
}

#[test]
#[ignore = "needs root"]
fn nothing_acknowledged_is_lost_by_power_cuts_on_ext4_that_flushes_no_file_by_itself() {
    cut_again_and_again(Format::Ext4WithoutAutoAlloc, Catalog::OnDisk, sized(4, 50, 500));
}

#[test]
#[ignore = "needs root"]
fn nothing_acknowledged_is_lost_by_power_cuts_on_xfs() {
    cut_again_and_again(Format::Xfs, Catalog::OnDisk, sized(4, 50, 500));
}

#[test]
#[ignore = "needs root"]
fn nothing_acknowledged_is_lost_by_power_cuts_where_nothing_but_its_own_syncs_makes_a_name_durable() {
    cut_again_and_again(Format::Ext4, Catalog::Apart, sized(8, 25, 250));
    cut_again_and_again(Format::Xfs, Catalog::Apart, sized(8, 25, 250));
}
