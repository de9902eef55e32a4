//! A receiver's life: it ends in good order under load, is copied whole, and makes a new catalog where the old one is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::tree::listed;
use crate::support::{
    PATIENCE, Receiver, Started, World, assert_mirrored, assert_nothing_left_over, many_files, noise,
};

const MIB: usize = 1024 * 1024;
/// What a service manager is promised.
const GOOD_ORDER: Duration = Duration::from_secs(10);

const CATALOG: &str = "data/local/.roundsman/catalog.db";

/// Two clients, each with a source and a state of its own.
const CLIENTS: [&str; 2] = ["tester", "other"];

/// A source of many small files and a few large ones.
fn fill(source: &Path) {
    many_files(source, 400);
    for seed in 0..3 {
        fs::write(source.join(format!("big-{seed}")), noise(seed, 8 * MIB)).expect("written");
    }
}

fn start_round(world: &World, receiver: &Receiver, client: &str) -> Started {
    let to = ["--to", &receiver.url, "--token-file", &format!("{client}.token"), "--state-dir", client];
    world.start(&[&["scan", &format!("{client}-tree"), "--retry-for", "0s"], &to[..]].concat())
}

/// Tells the receiver to end once this is true of a client's folder: both clients know what to think of that, and what
/// they began is made good after the next start.
fn end_under_load(when: &str, is_time: impl Fn(&Path) -> bool) {
    let world = World::new();
    for client in CLIENTS {
        fill(&world.path(&format!("{client}-tree")));
        let added = world.run(&["client", "add", client, "--data", "data"]).expect(0);
        let token = world.path(&format!("{client}.token"));
        fs::write(&token, added.stdout.trim()).expect("written");
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("set");
    }
    let receiver = Receiver::start(&world);
    let mut rounds = CLIENTS.map(|client| start_round(&world, &receiver, client));
    let folder = world.path("data/tester");
    while !is_time(&folder) {
        assert!(rounds[0].is_running(), "the round ended before {when}");
    }
    assert_eq!(receiver.end("TERM", GOOD_ORDER), Some(0), "{when}");
    for round in rounds {
        let ended = round.ended(PATIENCE);
        assert!([0, 10].contains(&ended.code), "{when}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{when}: {ended:?}");
    }
    let receiver = Receiver::start(&world);
    for client in CLIENTS {
        start_round(&world, &receiver, client).ended(PATIENCE).expect(0);
        let mirror = world.path(&format!("data/{client}/{client}-tree"));
        assert_mirrored(&world.path(&format!("{client}-tree")), &mirror);
        let own = world.path(&format!("data/{client}/.roundsman"));
        assert_nothing_left_over(&own);
        assert_eq!(listed(&own.join("staging")), Vec::<String>::new(), "{when}: what was left is gone or was used");
    }
}

#[test]
fn a_receiver_ends_in_good_order_within_10_seconds_while_rounds_are_under_way() {
    let staging = |folder: &Path| listed(&folder.join(".roundsman/staging"));
    end_under_load("a round begins", Path::exists);
    end_under_load("bytes arrive", |folder| staging(folder).len() > 3);
    end_under_load("a commit is under way", |folder| staging(folder).iter().any(|name| name.starts_with("i-")));
    end_under_load("files come to their places", |folder| !listed(&folder.join("tester-tree")).is_empty());
}

#[test]
fn a_copy_of_a_stopped_data_directory_is_a_complete_backup() {
    let world = World::with(&["a=1", "d/b=2", "d/e/c=3"]);
    world.round();
    fs::write(world.source().join("a"), "another").expect("written");
    fs::remove_dir_all(world.source().join("d/e")).expect("removed");
    world.round();
    let copied = Command::new("cp").args(["-a", "data", "copy"]).current_dir(world.path("")).status();
    assert!(copied.expect("cp runs").success());
    fs::remove_dir_all(world.data()).expect("removed");
    fs::rename(world.path("copy"), world.data()).expect("renamed");
    let quiet = world.round();
    assert_eq!(quiet.count("created") + quiet.count("modified") + quiet.count("metadata"), 0);
    fs::write(world.source().join("d/b"), "edited").expect("written");
    fs::rename(world.source().join("a"), world.source().join("d/a")).expect("renamed");
    let round = world.round();
    assert_eq!((round.count("modified"), round.count("moved")), (1, 1));
}

#[test]
fn a_damaged_catalog_is_named_and_a_rebuilt_one_sends_no_content_again() {
    let world = World::with(&["a=1", "d/b=2", "l->a"]);
    for seed in 0..8 {
        fs::write(world.source().join(format!("f{seed}")), noise(seed, 256 * 1024)).expect("written");
    }
    world.round();
    fs::write(world.source().join("a"), "another").expect("written");
    world.round();
    let catalog = world.path(CATALOG);
    fs::write(&catalog, noise(9, 64 * 1024)).expect("damaged");
    let damaged = world.scan(&[]);
    assert_eq!(damaged.code, 1);
    assert!(damaged.stderr.contains("damaged") && damaged.stderr.contains("--rebuild-catalog"), "{}", damaged.stderr);
    let rebuilt = world.run(&["receive", "--data", "data", "--rebuild-catalog", "--client", "local"]).expect(0);
    assert!(rebuilt.stdout.starts_with("local: 1 mirrors, 10 files"), "{}", rebuilt.stdout);
    assert!(rebuilt.stdout.contains("1 old versions") && rebuilt.stdout.contains("set-aside"), "{}", rebuilt.stdout);
    let round = world.round();
    assert!(round.count("bytes_sent") < 64 * 1024, "{} bytes", round.count("bytes_sent"));
    fs::write(world.source().join("a"), "a third").expect("written");
    assert_eq!(world.round().count("modified"), 1);
    assert_eq!(world.scan(&[]).expect(0).count("created"), 0);
}

#[test]
fn a_lost_catalog_is_rebuilt_for_every_client() {
    let world = World::with(&["a=1", "d/b=2"]);
    world.round();
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    assert_eq!(receiver.end("TERM", GOOD_ORDER), Some(0));
    for client in ["local", "tester"] {
        for end in ["", "-wal", "-shm"] {
            fs::remove_file(world.path(&format!("data/{client}/.roundsman/catalog.db{end}"))).ok();
        }
    }
    let rebuilt = world.run(&["receive", "--data", "data", "--rebuild-catalog"]).expect(0);
    assert_eq!(rebuilt.stdout.lines().count(), 2, "{}", rebuilt.stdout);
    world.round();
    let receiver = Receiver::start(&world);
    receiver.scan(&world, &[]).expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    let unknown = world.run(&["receive", "--data", "data", "--rebuild-catalog", "--client", "nobody"]);
    assert_eq!(unknown.code, 11, "somebody serves it");
    drop(receiver);
    world.run(&["receive", "--data", "data", "--rebuild-catalog", "--client", "nobody"]).expect(1);
}
