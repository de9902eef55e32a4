//! Moves by the real command: each arrives right and as what it is, and nothing that the mirror has is sent again.

mod inodes;
mod knots;
mod meetings;
mod whole;

use std::fs;

use crate::support::place::Place;
use crate::support::{Outcome, noise, write};

/// Enough that a content sent again would show.
const BIG: usize = 64 * 1024;
/// What a round may say to the receiver where there is no content to send.
const TALK: u64 = 16 * 1024;

/// Writes a tree: `name@seed` is a file of [`BIG`] bytes that do not compress, anything else is as [`write`] has it.
fn fill(place: &Place, items: &[&str]) {
    let (big, others): (Vec<&str>, Vec<&str>) = items.iter().partition(|item| item.contains('@'));
    write(&place.source(), &others);
    for (name, seed) in big.iter().filter_map(|item| item.split_once('@')) {
        let path = place.source().join(name);
        fs::create_dir_all(path.parent().expect("below the source")).expect("a directory can be made");
        fs::write(path, noise(2 * seed.parse::<u64>().expect("a number") + 1, BIG)).expect("written");
    }
}

/// A place whose source is this tree, mirrored, with nothing left to read.
fn mirrored(place: Place, items: &[&str]) -> Place {
    fill(&place, items);
    place.quiet();
    place
}

/// Runs a script of a shell in the source.
#[track_caller]
fn edit(place: &Place, script: &str) {
    place.run(&format!("cd source\n{script}"));
}

/// What a dry run shows people, but for new metadata alone and the last line.
#[track_caller]
fn shown(place: &Place, more: &[&str]) -> Vec<String> {
    let arguments = [&["scan", "source", "--to", "data", "--dry-run"], more].concat();
    let outcome = place.outcome(&mut place.world.command(&arguments)).expect(0);
    let (lines, last) = outcome.stdout.trim_end().rsplit_once('\n').unwrap_or(("", &outcome.stdout));
    assert!(last.starts_with("dry run, nothing was done: "), "{last}");
    lines.lines().filter(|line| !line.starts_with("U ")).map(str::to_owned).collect()
}

/// The same lines, made of what `--json` says.
fn told(outcome: &Outcome) -> Vec<String> {
    let line = |message: serde_json::Value| {
        let text = |key: &str| message[key].as_str().map(str::to_owned);
        let (mark, path) = (text("mark")?, text("path")?);
        let from = text("from").map_or(String::new(), |from| format!("{from} -> "));
        (mark != "U").then(|| format!("{mark} {from}{path}"))
    };
    let messages = outcome.stdout.lines().map(|text| serde_json::from_str(text).expect("each line is JSON"));
    messages.filter(|message: &serde_json::Value| message["message_type"] == "change").filter_map(line).collect()
}

/// An edit of a mirrored tree is shown so, is told so, arrives as one revision without any content, and leaves nothing
/// to do.
#[track_caller]
fn arrives(before: &[&str], script: &str, expected: &[&str]) -> Outcome {
    let place = mirrored(Place::here(), before);
    edit(&place, script);
    arrives_at(&place, expected)
}

/// The same of an edit that was made.
#[track_caller]
fn arrives_at(place: &Place, expected: &[&str]) -> Outcome {
    let dry = place.scan(&["--dry-run"]).expect(0);
    assert_eq!(shown(place, &[]), expected, "as people see it");
    assert_eq!(told(&dry), expected, "as programs see it");
    let round = place.round();
    assert_eq!(told(&round), expected, "as it was done");
    let moved = expected.iter().filter(|line| line.starts_with("R ")).count() as u64;
    assert_eq!((dry.count("moved"), round.count("moved")), (moved, moved));
    assert_eq!(round.count("revision"), dry.count("revision") + 1, "{}", round.stdout);
    assert!(round.count("bytes_sent") < TALK, "{}", round.stdout);
    let after = place.round();
    assert_eq!(told(&after), Vec::<String>::new(), "nothing is left to do");
    assert_eq!(after.count("revision"), round.count("revision"));
    round
}
