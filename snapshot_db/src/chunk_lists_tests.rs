//! Lists are kept, found, trimmed to their budget, and never trusted.

use chunking::Cutter;
use seams::recorded::{Recorded, Recorder};

use super::*;
use crate::testing::{LINEAGE, path, reading, snapshot};

fn at(second: i64) -> Timestamp {
    Timestamp::from_parts(second, 0)
}

/// A list of about so many chunks, different for each seed.
fn list(seed: u8, chunks: usize) -> ChunkList {
    let mut cutter = Cutter::new(Parameters::with_mean(256).expect("a good mean"));
    let text: Vec<u8> = (0..chunks).flat_map(|place| format!("{seed} and {place}; ").into_bytes().repeat(20)).collect();
    cutter.feed(&text);
    cutter.finish().expect("a short list")
}

fn id(text: &str) -> ContentId {
    ContentId::of(text.as_bytes())
}

fn record(snapshot: &Snapshot, lists: &[(&str, ChunkList)], second: i64) {
    let lists: Vec<_> = lists.iter().map(|(text, list)| (id(text), list.clone())).collect();
    snapshot.record_chunk_lists(&lists, at(second)).expect("recorded");
}

/// What the kept total should be.
fn counted(snapshot: &Snapshot) -> u64 {
    let sql = "SELECT coalesce(sum(length(list) + 100), 0) FROM chunk_list";
    let sum: i64 = snapshot.writer().query_row(sql, [], |row| row.get(0)).expect("readable");
    u64::try_from(sum).expect("no list has less than no bytes")
}

fn total(snapshot: &Snapshot) -> u64 {
    snapshot.chunk_list_bytes().expect("readable")
}

fn kept<'t>(snapshot: &Snapshot, texts: &[&'t str]) -> Vec<&'t str> {
    let is_kept = |text: &&&str| snapshot.chunk_list(&id(text)).expect("readable").is_some();
    texts.iter().filter(is_kept).copied().collect()
}

#[test]
fn a_list_is_found_by_its_content_and_by_its_number_and_a_new_one_replaces_it() {
    let snapshot = snapshot(&["a=1"]);
    record(&snapshot, &[("1", list(1, 9))], 5);
    record(&snapshot, &[("1", list(2, 20)), ("2", list(3, 9))], 6);
    assert_eq!(snapshot.chunk_list(&id("1")).expect("readable"), Some(list(2, 20)));
    assert_eq!(snapshot.chunk_list(&id("3")).expect("readable"), None);
    assert_eq!(snapshot.chunk_parameters(&id("1")).expect("readable"), Parameters::with_mean(256));
    let mut shown = Vec::new();
    snapshot.each_acknowledged_chunk_list(|number, list| shown.push((number, list.clone()))).expect("readable");
    assert_eq!(shown.len(), 1, "2 is not acknowledged");
    let numbered = snapshot.chunk_list_numbered(shown[0].0).expect("readable");
    assert_eq!(numbered, Some((id("1"), list(2, 20))));
    assert_eq!(total(&snapshot), counted(&snapshot));
    snapshot.forget_chunk_list(&id("1")).expect("forgotten");
    snapshot.forget_chunk_list(&id("1")).expect("nothing to forget");
    assert_eq!((kept(&snapshot, &["1", "2"]), total(&snapshot)), (vec!["2"], counted(&snapshot)));
}

#[test]
fn lists_that_cannot_be_read_are_as_good_as_none() {
    let snapshot = snapshot(&["a=1"]);
    for spoiled in ["list = x'0201'", "parameters = x'00'", "parameters = x'00000003'", "chunker = 2", "list = x''"] {
        record(&snapshot, &[("1", list(1, 9))], 5);
        snapshot.writer().execute(&format!("UPDATE chunk_list SET {spoiled}"), []).expect("spoiled");
        let found = snapshot.chunk_list(&id("1")).expect("readable");
        assert!(found.is_none_or(|list| list.length() == 0), "{spoiled}");
        snapshot.each_acknowledged_chunk_list(|_, list| assert_eq!(list.length(), 0)).expect("readable");
    }
}

#[test]
fn within_the_budget_nothing_goes_and_over_it_first_what_nobody_names() {
    let snapshot = snapshot(&["a=1", "b=2"]);
    snapshot.record_readings(&[(path("b"), reading("3", 7))]).expect("recorded");
    let names = ["1", "2", "3", "4"];
    record(&snapshot, &names.map(|name| (name, list(1, 50))), 5);
    snapshot.trim_chunk_lists(total(&snapshot)).expect("trimmed");
    assert_eq!(kept(&snapshot, &names), names);
    snapshot.trim_chunk_lists(total(&snapshot) - 1).expect("trimmed");
    assert_eq!(kept(&snapshot, &names), ["1", "2", "3"], "what was read and not delivered yet is named as well");
    assert_eq!(total(&snapshot), counted(&snapshot));
}

#[test]
fn over_the_budget_the_biggest_and_longest_unchanged_go_until_it_is_kept() {
    let snapshot = snapshot(&["a=1", "b=2", "c=3", "d=4"]);
    record(&snapshot, &[("1", list(1, 400)), ("2", list(2, 100))], 1_000);
    record(&snapshot, &[("3", list(3, 400)), ("4", list(4, 100))], 2_000);
    let all = total(&snapshot);
    snapshot.trim_chunk_lists(all - 1).expect("trimmed");
    assert_eq!(kept(&snapshot, &["1", "2", "3", "4"]), ["2", "3", "4"], "big and old");
    snapshot.trim_chunk_lists(total(&snapshot) - 1).expect("trimmed");
    assert_eq!(kept(&snapshot, &["2", "3", "4"]), ["3", "4"], "small and old");
    snapshot.trim_chunk_lists(total(&snapshot) - 1).expect("trimmed");
    assert_eq!(kept(&snapshot, &["3", "4"]), ["4"], "big");
    assert_eq!(total(&snapshot), counted(&snapshot));
    snapshot.trim_chunk_lists(0).expect("trimmed");
    assert_eq!((total(&snapshot), counted(&snapshot)), (0, 0));
}

#[test]
fn a_list_takes_on_disk_about_what_is_reckoned_for_it() {
    const LISTS: u64 = 20_000;
    let place = tempfile::tempdir().expect("a temporary directory");
    let at_place = place.path().join("snapshot.db");
    let snapshot = Snapshot::open(&at_place, LINEAGE).expect("opens").snapshot;
    let empty = std::fs::metadata(&at_place).expect("is there").len();
    for batch in 0..10 {
        let numbers = batch * LISTS / 10..(batch + 1) * LISTS / 10;
        let lists: Vec<_> = numbers.map(|number| (id(&number.to_string()), list(1, 30))).collect();
        snapshot.record_chunk_lists(&lists, at(5)).expect("recorded");
    }
    let (reckoned, chunks) = (total(&snapshot), list(1, 30).as_bytes().len());
    drop(snapshot);
    let taken = std::fs::metadata(&at_place).expect("is there").len() - empty;
    println!("{} bytes a list of {chunks} bytes", taken / LISTS);
    assert!((taken * 8..taken * 12).contains(&(reckoned * 10)), "reckoned {reckoned}, taken {taken}");
}
