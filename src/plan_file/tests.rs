//! Plans written and read back, thinned out by people, and refused where they are none.

use protocol::{Entry, MirrorName, RelPath};

use super::*;
use crate::route::Route;
use crate::settings::value::To;

fn header(source: &str) -> PlanHeader {
    PlanHeader::of(&Route {
        source: source.into(),
        mirror: MirrorName::parse(b"photos").expect("valid"),
        to: To::Directory("/backup".into()),
        state: "/state".into(),
    })
}

fn plan() -> Vec<(Line, Change)> {
    let path = |bytes: &[u8]| RelPath::parse(bytes).expect("valid");
    let entry = Entry::Directory { metadata: protocol::Metadata::default() };
    let changes = [
        Change::Create { path: path(b"new\n\xff"), entry: entry.clone() },
        Change::Delete { path: path(b"gone") },
        Change::Move { from: path(b"a"), to: path(b"b"), entry },
    ];
    changes.map(|change| (Line::of(&change, false), change)).to_vec()
}

fn changes() -> Vec<Change> {
    plan().into_iter().map(|(_, change)| change).collect()
}

/// The text of a plan file after somebody changed it, read back.
fn read_after(edit: impl FnOnce(String) -> String) -> Result<Vec<Change>, PlanFileError> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("plan");
    write(&path, &header("/home/u/photos"), plan().into_iter().map(Ok)).expect("writes");
    let text = std::fs::read_to_string(&path).expect("is text");
    std::fs::write(&path, edit(text)).expect("writes");
    read(&path, &header("/home/u/photos"))
}

#[test]
fn a_plan_comes_back_as_it_was_whatever_its_names() {
    assert_eq!(read_after(|text| text).expect("is a plan"), changes());
}

#[test]
fn each_line_has_the_fields_of_json_for_people() {
    read_after(|text| {
        let first = r#"{"roundsman_plan":1,"mirror":"/backup/local/photos","source":"/home/u/photos"}"#;
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], first);
        assert!(
            lines[2].starts_with(r#"{"message_type":"change","change":"deleted","mark":"-","path":"gone""#),
            "{text}"
        );
        text
    })
    .expect("is a plan");
}

#[test]
fn a_line_taken_out_takes_its_change_out_and_blank_lines_do_not_matter() {
    let thinned = read_after(|text| {
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains(r#""deleted""#)).collect();
        kept.join("\n\n")
    });
    assert_eq!(thinned.expect("is a plan"), [changes()[0].clone(), changes()[2].clone()]);
}

#[test]
fn what_is_shown_for_people_is_not_read_back() {
    let shown_otherwise = read_after(|text| text.replace(r#""path":"gone""#, r#""path":"other""#));
    assert_eq!(shown_otherwise.expect("is a plan"), changes());
}

#[test]
fn a_plan_of_another_source_is_refused_and_both_are_named() {
    let refusal = read_after(|text| text.replace("/home/u/photos", "/home/u/mail")).expect_err("is another's");
    let message = refusal.to_string();
    assert!(message.contains("/home/u/mail -> /backup") && message.contains("not of /home/u/photos ->"), "{message}");
}

#[test]
fn what_is_no_plan_is_refused_with_its_line() {
    let refusal = |edit: &dyn Fn(String) -> String| read_after(edit).expect_err("is refused").to_string();
    assert!(refusal(&|_| String::new()).ends_with(":1: the plan is empty"));
    assert!(refusal(&|_| "x\n".to_owned()).contains(":1: not the first line of a plan"));
    assert!(refusal(&|text| text.replace(r#""roundsman_plan":1"#, r#""roundsman_plan":2"#)).contains("version 2"));
    assert!(refusal(&|text| text + "{}\n").contains(":5: not a line of a plan: missing field `encoded`"));
    assert!(refusal(&|text| text + "{\"encoded\":\"!\"}\n").contains(":5: `encoded` is no base64"));
    assert!(refusal(&|text| text + "{\"encoded\":\"gA==\"}\n").contains(":5: `encoded` holds no change"));
    let long = "x".repeat(MAX_LINE_BYTES + 1);
    assert!(refusal(&|text| text + &long).contains(":5: the line is longer than 16 MiB"));
}

#[test]
fn a_change_with_something_behind_it_is_refused() {
    let mut bytes = minicbor::to_vec(&changes()[1]).expect("encodes");
    bytes.push(0);
    let line = format!(r#"{{"encoded":"{}"}}"#, STANDARD.encode(bytes));
    assert_eq!(change_in(line.as_bytes()).expect_err("is refused"), "`encoded` holds more than a change");
}

#[test]
fn a_plan_that_cannot_be_written_names_the_file() {
    let message =
        write(Path::new("/no/such/plan"), &header("/s"), plan().into_iter().map(Ok)).expect_err("cannot").to_string();
    assert!(message.starts_with("cannot write the plan /no/such/plan: "), "{message}");
}
