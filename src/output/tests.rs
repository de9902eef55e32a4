//! What a person and a program are told.

use std::sync::Arc;
use std::time::Duration;

use protocol::{Entry, LinkTarget, Metadata, RelPath};
use seams::memory::ManualClock;

use super::*;

/// A stream that a test can read.
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

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("is text")
    }
}

/// A stream that fails.
struct Failing(io::ErrorKind);

impl Write for Failing {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const SEEN: Terminal = Terminal { stdout: true, stderr: true, dumb: false, no_color: false };
const PIPED: Terminal = Terminal { stdout: false, stderr: false, dumb: false, no_color: false };

fn settings(json: bool, quiet: bool) -> OutputSettings {
    OutputSettings { quiet, verbose: 0, json, no_color: false, log_file: None }
}

/// What is printed on stdout and stderr.
fn printed(settings: &OutputSettings, terminal: Terminal, print: impl FnOnce(&Output)) -> (String, String) {
    let (stdout, stderr) = (Written::default(), Written::default());
    let output = Output::to(settings, terminal, Bars::new(false), Streams::new(stdout.clone(), stderr.clone()));
    print(&output);
    output.finish().expect("memory can be written");
    (stdout.text(), stderr.text())
}

fn path(bytes: &[u8]) -> RelPath {
    RelPath::parse(bytes).expect("valid in this test")
}

fn directory() -> Entry {
    Entry::Directory { metadata: Metadata::default() }
}

fn symlink() -> Entry {
    Entry::Symlink { metadata: Metadata::default(), target: LinkTarget::parse(b"x").expect("valid in this test") }
}

/// One line of each kind, not in order.
fn lines() -> Vec<Line> {
    use protocol::Change::{Create, Delete, Metadata as NewMetadata, Modify, Move, Replace};
    let changes = [
        (Move { from: path(b"old"), to: path(b"n\xffw"), entry: directory() }, false),
        (Create { path: path(b"docs"), entry: directory() }, false),
        (Create { path: path(b"docs/a\nb"), entry: symlink() }, false),
        (Modify { path: path(b"link"), entry: symlink() }, false),
        (NewMetadata { path: RelPath::root(), metadata: Metadata::default() }, true),
        (Delete { path: path(b"gone") }, true),
        (Delete { path: path(b"gone.txt") }, false),
        (Replace { path: path(b"turned"), entry: directory() }, false),
    ];
    let mut lines: Vec<_> = changes.iter().map(|(change, directory)| Line::of(change, *directory)).collect();
    lines.push(Line::problem(path(b"secret"), "cannot open the directory: Permission denied (os error 13)"));
    lines.push(Line::deferred(path(b"log"), "it kept changing while it was read"));
    lines.push(Line::silent(&Modify { path: path(b"rotten"), entry: symlink() }));
    lines.push(Line::held(&Delete { path: path(b"held") }, true, "too many"));
    lines.push(Line::held(&Delete { path: path(b"held.txt") }, false, "too many"));
    sorted(lines)
}

const PLAN: &str = "\
U ./
+ docs/
+ docs/a\\nb
- gone/
- gone.txt
H held/
H held.txt
M link
~ log
R old/ -> n\\xffw/
? rotten
! secret
T turned/
";

const TROUBLE: &str = "\
Deferred: log: it kept changing while it was read
Problem: secret: cannot open the directory: Permission denied (os error 13)
Held: held/ and 1 more: too many
";

fn summary() -> Summary {
    let seen = Summary {
        files_seen: 79_123,
        bytes_seen: 1_400_000_000,
        bytes_sent: 4_404_019,
        revision: 7,
        ..Summary::default()
    };
    let place = Summary { mirror: "/data/local/src".to_owned(), ..seen };
    let mut counted = place;
    lines().iter().for_each(|line| counted.count(line));
    counted.took(Duration::from_millis(1_260))
}

#[test]
fn for_people_a_plan_is_one_line_a_change_sorted_by_path_and_escaped() {
    let printed = printed(&settings(false, false), PIPED, |output| output.lines(lines()));
    assert_eq!(printed, (PLAN.to_owned(), TROUBLE.to_owned()));
}

#[test]
fn the_last_line_for_people_says_files_bytes_seconds_and_where_the_mirror_lies() {
    let say =
        |summary: &Summary| printed(&settings(false, false), PIPED, |output| output.summary(summary, Exit::Done)).0;
    assert_eq!(
        say(&summary()),
        "2 created, 3 modified, 1 of them silently, 1 with new metadata, 1 moved, 2 deleted, 2 held, 1 deferred, \
         1 problem; \
         79,123 files (1.30 GiB) seen, 4.20 MiB sent in 1.3 s; mirror: /data/local/src\n"
    );
    let still = Summary { files_seen: 1, bytes_seen: 5, mirror: "/m".to_owned(), ..Summary::default() };
    assert_eq!(say(&still), "nothing changed; 1 file (5 B) seen, 0 B sent in 0.0 s; mirror: /m\n");
    let thrifty =
        Summary { contents_sent: 9 << 20, contents_packed: 6 << 20, contents_reused: 11 << 30, ..still.clone() };
    let spared = say(&thrifty);
    assert!(spared.contains("seen, 0 B sent (11.00 GiB reused, 3.00 MiB saved by compression) in 0.0 s"), "{spared}");
    let stopped = say(&Summary { stopped: true, ..still.clone() });
    assert!(stopped.starts_with("stopped before everything was delivered: nothing changed; "), "{stopped}");
    assert_eq!(say(&Summary { failed: true, ..still }), "");
}

#[test]
fn for_programs_the_same_is_one_object_a_line_with_exact_names() {
    let (stdout, stderr) = printed(&settings(true, false), SEEN, |output| output.lines(lines()));
    assert_eq!(stderr, "");
    let golden = [
        r#"{"message_type":"change","change":"metadata","mark":"U","path":"./","directory":true}"#,
        r#"{"message_type":"change","change":"created","mark":"+","path":"docs/","directory":true}"#,
        r#"{"message_type":"change","change":"created","mark":"+","path":"docs/a\nb","directory":false}"#,
        r#"{"message_type":"change","change":"deleted","mark":"-","path":"gone/","directory":true}"#,
        r#"{"message_type":"change","change":"deleted","mark":"-","path":"gone.txt","directory":false}"#,
        r#"{"message_type":"change","change":"held","mark":"H","path":"held/","directory":true,"planned":"deleted","reason":"too many"}"#,
        r#"{"message_type":"change","change":"held","mark":"H","path":"held.txt","directory":false,"planned":"deleted","reason":"too many"}"#,
        r#"{"message_type":"change","change":"modified","mark":"M","path":"link","directory":false}"#,
        r#"{"message_type":"change","change":"deferred","mark":"~","path":"log","directory":false,"reason":"it kept changing while it was read"}"#,
        r#"{"message_type":"change","change":"moved","mark":"R","path":"n\\xffw/","path_base64":"bv93","directory":true,"from":"old/"}"#,
        r#"{"message_type":"change","change":"silent","mark":"?","path":"rotten","directory":false}"#,
        r#"{"message_type":"problem","mark":"!","path":"secret","directory":false,"reason":"cannot open the directory: Permission denied (os error 13)"}"#,
        r#"{"message_type":"change","change":"kind_changed","mark":"T","path":"turned/","directory":true}"#,
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), golden);
}

#[test]
fn the_summary_for_programs_has_the_fields_of_the_contract_also_after_a_failure() {
    let failed = Summary { failed: true, ..summary() };
    let (stdout, _) = printed(&settings(true, false), PIPED, |output| output.summary(&failed, Exit::Failed));
    let object: serde_json::Value = serde_json::from_str(&stdout).expect("is JSON");
    assert_eq!(object["message_type"], "summary");
    let fields = "created modified metadata moved deleted held deferred problems files_seen bytes_seen bytes_read \
                  files_opened bytes_sent bytes_received requests revision seconds dry_run silent \
                  excluded_kept contents_sent contents_packed contents_reused";
    for field in fields.split_whitespace() {
        assert!(object.get(field).is_some(), "{field} in {stdout}");
    }
    assert_eq!((&object["created"], &object["seconds"]), (&2.into(), &1.26.into()));
}

#[test]
fn quiet_says_nothing_when_all_is_well_and_one_line_a_problem_when_not() {
    let well: Vec<_> = lines().into_iter().filter(|line| !line.mark.is_trouble()).collect();
    let say = |json, lines: &[Line], exit| {
        printed(&settings(json, true), SEEN, |output| {
            output.message("listening");
            output.lines(lines.to_vec());
            output.summary(&Summary::default(), exit);
        })
    };
    for json in [false, true] {
        assert_eq!(say(json, &well, Exit::Done), (String::new(), String::new()));
    }
    assert_eq!(say(false, &lines(), Exit::Problems), (String::new(), TROUBLE.to_owned()));
    let (stdout, stderr) = say(true, &lines(), Exit::Problems);
    assert_eq!((stdout.lines().count(), stderr.as_str()), (5, ""));
    assert!(stdout.lines().last().expect("five lines").contains("\"summary\""));
}

#[test]
fn a_failure_is_told_also_where_quiet_is_wanted() {
    let failure = || Failure::usage("no such source").hint("look again");
    let (stdout, stderr) = printed(&settings(false, true), PIPED, |output| output.failure(&failure()));
    assert_eq!((stdout.as_str(), stderr.as_str()), ("", "Error: no such source\nHint: look again\n"));
    let (stdout, _) = printed(&settings(true, false), PIPED, |output| output.failure(&failure()));
    let golden = r#"{"message_type":"problem","reason":"no such source","hint":"look again","exit_code":2}"#;
    assert_eq!(stdout.trim_end(), golden);
}

#[test]
fn what_is_held_says_what_to_type_also_where_quiet_is_wanted() {
    let held = Summary { held_list: Some("0123456789ab".to_owned()), ..summary() };
    for quiet in [false, true] {
        let (_, stderr) = printed(&settings(false, quiet), PIPED, |output| output.summary(&held, Exit::Held));
        assert!(stderr.contains("`roundsman approve 0123456789ab`"), "{stderr}");
    }
    let (stdout, stderr) = printed(&settings(true, false), PIPED, |output| output.summary(&held, Exit::Held));
    assert!(stdout.contains(r#""held_list":"0123456789ab""#) && stderr.is_empty(), "{stdout}{stderr}");
}

#[test]
fn paths_that_are_left_out_now_and_stay_are_noted_for_people() {
    let note = |excluded_kept, quiet| {
        let summary = Summary { excluded_kept, ..summary() };
        printed(&settings(false, quiet), PIPED, |output| output.summary(&summary, Exit::Done)).1
    };
    assert_eq!((note(0, false), note(7, true)), (String::new(), String::new()));
    assert!(note(1, false).starts_with("Note: 1 path is left out now and stays at the mirror"), "{}", note(1, false));
    assert!(note(2_000, false).contains("2,000 paths") && note(2_000, false).contains("--delete-excluded"));
}

#[test]
fn a_summary_is_read_back_also_when_an_older_version_wrote_it() {
    let json = serde_json::to_string(&summary()).expect("is JSON");
    assert_eq!(serde_json::from_str::<Summary>(&json).expect("is a summary"), summary());
    let older: Summary = serde_json::from_str(r#"{"created":3}"#).expect("is a summary");
    assert_eq!(older, Summary { created: 3, ..Summary::default() });
}

#[test]
fn lines_are_coloured_at_a_terminal_only() {
    let line = || [Line::problem(path(b"a"), "r")];
    let (seen, _) = printed(&settings(false, false), SEEN, |output| output.lines(line()));
    assert_eq!(seen, "\u{1b}[1m\u{1b}[31m! a\u{1b}[0m\n");
    let (dumb, _) = printed(&settings(false, false), Terminal { dumb: true, ..SEEN }, |output| output.lines(line()));
    assert_eq!(dumb, "! a\n");
}

#[test]
fn a_reader_who_goes_away_stops_nothing_but_a_full_disk_is_an_error() {
    let finish = |kind| {
        let streams = Streams::new(Failing(kind), Failing(kind));
        let output = Output::to(&settings(false, false), PIPED, Bars::new(false), streams);
        output.lines(lines());
        output.finish().map_err(|error| error.kind())
    };
    assert_eq!(finish(io::ErrorKind::BrokenPipe), Ok(()));
    assert_eq!(finish(io::ErrorKind::StorageFull), Err(io::ErrorKind::StorageFull));
}

#[test]
fn programs_hear_how_a_round_goes_on_at_most_once_a_second() {
    let clock = ManualClock::new(protocol::Timestamp::from_nanos(0));
    let (stdout, _) = printed(&settings(true, false), PIPED, |output| {
        let watcher = output.watcher(&clock);
        watcher.seen(1, 10);
        clock.wait(Duration::from_secs(1));
        watcher.seen(2, 20);
        watcher.to_send(1, 5);
        clock.wait(Duration::from_secs(1));
        watcher.spared(2);
        clock.wait(Duration::from_secs(1));
        watcher.sent(3);
    });
    let golden = [
        r#"{"message_type":"status","files_seen":3,"bytes_seen":30,"bytes_read":0,"files_to_send":0,"bytes_to_send":0,"contents_sent":0}"#,
        r#"{"message_type":"status","files_seen":3,"bytes_seen":30,"bytes_read":0,"files_to_send":1,"bytes_to_send":3,"contents_sent":0}"#,
        r#"{"message_type":"status","files_seen":3,"bytes_seen":30,"bytes_read":0,"files_to_send":1,"bytes_to_send":3,"contents_sent":3}"#,
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), golden);
}
