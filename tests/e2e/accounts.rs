//! Clients and their tokens: made, rotated, revoked and removed beside a running receiver; invited and joined in one step.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use crate::support::tree::names;
use crate::support::{Outcome, Receiver, World, assert_mirrored, wait_until};

/// Keeps a token that the command printed, for its owner alone.
#[track_caller]
fn keep(world: &World, name: &str, printed: Outcome) {
    let printed = printed.expect(0);
    assert_eq!(printed.stdout.lines().count(), 1, "the token alone: {}", printed.stdout);
    fs::write(world.path(name), printed.stdout.trim()).expect("the token can be kept");
    fs::set_permissions(world.path(name), fs::Permissions::from_mode(0o600)).expect("mode 600");
}

fn client(world: &World, words: &[&str]) -> Outcome {
    world.run(&[&["client"], words, &["--data", "data"]].concat())
}

/// A command that reads this line.
fn told(world: &World, words: &[&str], line: &str) -> Outcome {
    let mut command = world.command(words);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    // Whoever refuses early does not read it.
    child.stdin.take().expect("a pipe").write_all(line.as_bytes()).unwrap_or_default();
    child.wait_with_output().expect("ends").into()
}

fn invite(world: &World, receiver: &Receiver, more: &[&str]) -> String {
    let printed = client(world, &[&["invite", "laptop", "--url", &receiver.url], more].concat()).expect(0);
    assert!(printed.stderr.contains("good once, until"), "{}", printed.stderr);
    printed.stdout
}

#[test]
fn a_rotated_token_is_good_until_the_overlap_ends_and_a_revoked_one_not_at_all() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let scan = |token: &str| world.run(&["scan", "source", "--to", &receiver.url, "--token-file", token]);
    scan("token").expect(0);
    keep(&world, "second", client(&world, &["rotate", "tester", "--overlap", "1h"]));
    scan("token").expect(0);
    scan("second").expect(0);
    keep(&world, "third", client(&world, &["rotate", "tester", "--overlap", "1s"]));
    wait_until("the overlap ends", || scan("second").code == 12);
    scan("token").expect(12);
    scan("third").expect(0);
    fs::write(world.source().join("b"), "2").expect("written");
    client(&world, &["revoke", "tester"]).expect(0);
    let refused = scan("third").expect(12);
    assert!(refused.stderr.contains("revoked") && refused.stderr.contains("client issue"), "{}", refused.stderr);
    assert!(!Receiver::mirror(&world).join("b").exists());
    keep(&world, "fourth", client(&world, &["issue", "tester"]));
    scan("fourth").expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
}

#[test]
fn a_machine_joins_by_one_line_and_its_next_round_goes_there() {
    let world = World::with(&["a=1", "d/b=2"]);
    let receiver = world.receiver();
    let line = invite(&world, &receiver, &[]);
    let joined = told(&world, &["join", "-"], &line).expect(0);
    assert!(joined.stderr.contains("client laptop") && joined.stdout.is_empty(), "{}", joined.stderr);
    let config = world.path(".config/roundsman");
    assert_eq!(names(&config), ["joined.token", "joined.toml"]);
    let token = fs::read_to_string(config.join("joined.token")).expect("kept");
    assert_eq!(fs::metadata(config.join("joined.token")).expect("stat").permissions().mode() & 0o777, 0o600);
    let round = world.run(&["scan", "source", "-vv", "--log-file", "log"]).expect(0);
    assert_mirrored(&world.source(), &world.path("data/laptop/source"));
    world.run(&["history"]).expect(0);
    world.run(&["restore", "--into", "back", "--mirror", "source"]).expect(0);
    let log = fs::read_to_string(world.path("log")).expect("a log");
    for said in [&round.stdout, &round.stderr, &log, &joined.stderr] {
        assert!(!said.contains(token.trim()) && !said.contains(line.trim()), "a secret was said: {said}");
    }
}

#[test]
fn an_invite_that_was_used_is_late_or_was_altered_opens_nothing() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let line = invite(&world, &receiver, &[]);
    told(&world, &["join", "-"], &line).expect(0);
    let kept = fs::read(world.path(".config/roundsman/joined.token")).expect("kept");
    let again = told(&world, &["join", "-"], &line).expect(12);
    assert!(again.stderr.contains("used already") && again.stderr.contains("client invite"), "{}", again.stderr);
    let late = told(&world, &["join", "-"], &invite(&world, &receiver, &["--expires", "0s"])).expect(12);
    assert!(late.stderr.contains("expired"), "{}", late.stderr);
    let good = invite(&world, &receiver, &[]);
    let altered = told(&world, &["join", "-"], &good.replacen("rmi_", "rmi_A", 1)).expect(2);
    assert!(altered.stderr.contains("not whole") && !altered.stderr.contains(good.trim()), "{}", altered.stderr);
    client(&world, &["revoke", "laptop"]).expect(0);
    let revoked = told(&world, &["join", "-"], &good).expect(12);
    assert!(revoked.stderr.contains("no such invite"), "{}", revoked.stderr);
    assert_eq!(fs::read(world.path(".config/roundsman/joined.token")).expect("kept"), kept);
    assert_eq!(names(&world.path(".config/roundsman")), ["joined.token", "joined.toml"]);
    drop(receiver);
    told(&world, &["join", "-"], &good).expect(10);
}

#[test]
fn a_machine_that_joined_shows_its_token_to_no_other_receiver_and_joins_none_besides() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    told(&world, &["join", "-"], &invite(&world, &receiver, &[])).expect(0);
    let other = world.run(&["scan", "source", "--to", "http://127.0.0.1:9", "--retry-for", "0s"]).expect(2);
    assert!(other.stderr.contains("without a token"), "{}", other.stderr);
    let elsewhere = client(&world, &["invite", "laptop", "--url", "https://other.example"]).expect(0);
    let refused = told(&world, &["join", "-"], &elsewhere.stdout).expect(2);
    assert!(refused.stderr.contains("already"), "{}", refused.stderr);
    let plain = client(&world, &["invite", "laptop", "--url", "http://other.example"]).expect(0);
    let refused = told(&world, &["join", "-"], &plain.stdout).expect(2);
    assert!(refused.stderr.contains("--allow-plaintext"), "{}", refused.stderr);
}

#[test]
fn a_read_only_token_gives_files_back_and_changes_nothing() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    receiver.scan(&world, &[]).expect(0);
    keep(&world, "reader", client(&world, &["issue", "tester", "--read-only"]));
    let with = |words: &[&str]| world.run(&[words, &["--from", &receiver.url, "--token-file", "reader"]].concat());
    with(&["history"]).expect(0);
    with(&["restore", "--into", "back"]).expect(0);
    with(&["verify", "source"]).expect(0);
    assert_mirrored(&world.source(), &world.path("back"));
    fs::write(world.source().join("a"), "two").expect("written");
    let refused = world.run(&["scan", "source", "--to", &receiver.url, "--token-file", "reader"]).expect(12);
    assert!(refused.stderr.contains("reading only"), "{}", refused.stderr);
    with(&["verify", "source", "--repair"]).expect(12);
    assert_eq!(fs::read(Receiver::mirror(&world).join("a")).expect("there"), b"1");
}

#[test]
fn an_append_only_token_mirrors_like_any_other_until_history_would_have_to_go() {
    let world = World::with(&["a=1", "b=2"]);
    keep(&world, "token", client(&world, &["add", "tester", "--append-only"]));
    fs::write(world.path("config.toml"), "[receive]\nkeep_size = \"100B\"\n").expect("written");
    let url = world.path("url");
    let mut command =
        world.command(&["receive", "--data", "data", "--listen", "127.0.0.1:0", "--config", "config.toml"]);
    let mut receiver = command.stdout(fs::File::create(&url).expect("made")).spawn().expect("starts");
    wait_until("it listens", || fs::read_to_string(&url).is_ok_and(|said| said.ends_with('\n')));
    let said = fs::read_to_string(&url).expect("said");
    let to = said.trim().rsplit(' ').next().expect("the address is the last word");
    let scan = || world.run(&["scan", "source", "--to", to, "--token-file", "token"]);
    scan().expect(0);
    fs::write(world.source().join("a"), "x".repeat(90)).expect("written");
    scan().expect(0);
    fs::write(world.source().join("a"), "y".repeat(90)).expect("written");
    scan().expect(0);
    fs::write(world.source().join("a"), "z".repeat(90)).expect("written");
    let refused = scan().expect(1);
    assert!(refused.stderr.contains("append-only"), "{}", refused.stderr);
    receiver.kill().expect("killed");
    receiver.wait().expect("ended");
    assert_eq!(fs::read(world.path("data/tester/source/a")).expect("there"), "y".repeat(90).as_bytes());
}

#[test]
fn a_list_tells_who_is_there_and_a_removal_frees_what_a_leaver_had() {
    let world = World::with(&["a=12345", "d/b=2"]);
    let receiver = world.receiver();
    client(&world, &["add", "quiet"]).expect(0);
    receiver.scan(&world, &[]).expect(0);
    let list = client(&world, &["list"]).expect(0);
    let row = list.stdout.lines().find(|line| line.starts_with("tester")).expect("a row");
    for part in ["source", "full", "ago", "6 B"] {
        assert!(row.contains(part) || row.contains("just now"), "{part} in {row}");
    }
    let json = client(&world, &["show", "tester", "--json"]).expect(0);
    let told: serde_json::Value = serde_json::from_str(json.stdout.trim()).expect("JSON");
    let mirror = &told["mirrors"][0];
    assert_eq!(
        (mirror["mirror"].as_str(), mirror["files"].as_u64(), mirror["bytes"].as_u64()),
        (Some("source"), Some(2), Some(6))
    );
    assert_eq!(mirror["source"].as_str().map(Path::new), Some(world.source().as_path()));
    assert!(told["last_seen"].is_string() && told["tokens"][0]["state"] == "valid", "{told}");
    client(&world, &["remove", "tester"]).expect(2);
    client(&world, &["remove", "tester", "--yes"]).expect(11);
    assert!(Receiver::mirror(&world).exists());
    drop(receiver);
    client(&world, &["remove", "tester", "--yes"]).expect(0);
    assert!(!world.path("data/tester").exists());
    assert!(!client(&world, &["list"]).expect(0).stdout.contains("tester"));
    client(&world, &["show", "tester"]).expect(2);
    Receiver::start(&world).scan(&world, &[]).expect(12);
}

#[test]
fn a_service_finds_its_token_among_its_credentials_and_one_that_others_may_read_is_refused() {
    let world = World::with(&["a=1"]);
    let receiver = world.receiver();
    let credentials = world.path("credentials");
    fs::create_dir(&credentials).expect("made");
    let token = credentials.join("roundsman.token");
    fs::copy(world.path("token"), &token).expect("copied");
    let scan = || {
        let mut command = world.command(&["scan", "source", "--to", &receiver.url]);
        Outcome::from(command.env("CREDENTIALS_DIRECTORY", &credentials).output().expect("runs"))
    };
    for (mode, code) in [(0o400, 0), (0o440, 0), (0o444, 2), (0o460, 2)] {
        fs::set_permissions(&token, fs::Permissions::from_mode(mode)).expect("set");
        let outcome = scan().expect(code);
        assert_eq!(code == 2, outcome.stderr.contains("open to others"), "{mode:o}: {}", outcome.stderr);
    }
    fs::set_permissions(world.path("token"), fs::Permissions::from_mode(0o640)).expect("set");
    let refused = receiver.scan(&world, &[]).expect(2);
    assert!(refused.stderr.contains("chmod 600"), "{}", refused.stderr);
}

#[test]
fn a_mistyped_data_directory_is_refused_and_not_made() {
    let world = World::with(&["a=1"]);
    for command in [vec!["list"], vec!["show", "laptop"], vec!["revoke", "laptop"], vec!["remove", "laptop", "--yes"]] {
        let words = [&["client"], &command[..], &["--data", "nowhere"]].concat();
        let refused = world.run(&words).expect(2);
        assert!(refused.stderr.contains("no data directory"), "{}", refused.stderr);
        assert!(!world.path("nowhere").exists());
    }
}

#[test]
fn what_is_no_number_of_a_token_is_not_repeated() {
    let world = World::with(&["a=1"]);
    client(&world, &["add", "laptop"]).expect(0);
    let refused = client(&world, &["revoke", "laptop", "--token", "rmt_secret.of.somebody"]).expect(2);
    assert!(refused.stderr.contains("32 hexadecimal digits"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("rmt_") && !refused.stdout.contains("rmt_"), "{refused:?}");
}
