//! How contents travel: in few requests, compressed, at a rate, and only where the receiver lacks them.

use std::fs;
use std::time::Instant;

use crate::support::{World, assert_mirrored, noise, sized, write};

#[test]
fn thousands_of_small_files_travel_in_few_requests() {
    let world = World::new();
    let files: Vec<String> = (0..3_000).map(|n| format!("d{}/f{n}=the text of file {n}", n % 30)).collect();
    write(&world.source(), &files.iter().map(String::as_str).collect::<Vec<_>>());
    let round = world.scan(&[]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
    // hello, claim; then one batch: propose, fill, commit.
    assert_eq!(round.count("requests"), 5, "{}", round.stdout);
}

#[test]
fn the_summary_says_what_was_sent_reused_and_saved() {
    let world = World::new();
    let text = "all the same\n".repeat(100_000);
    fs::create_dir_all(world.source()).expect("made");
    fs::write(world.source().join("text"), &text).expect("written");
    let first = world.scan(&[]).expect(0);
    let length = text.len() as u64;
    assert_eq!((first.count("contents_sent"), first.count("contents_reused")), (length, 0));
    assert!(first.count("contents_packed") < length / 100, "{}", first.stdout);
    assert!(first.count("bytes_sent") < length / 50, "{}", first.stdout);
    fs::copy(world.source().join("text"), world.source().join("copy")).expect("copied");
    let second = world.scan(&[]).expect(0);
    assert_eq!((second.count("contents_sent"), second.count("contents_reused")), (0, length));
    fs::copy(world.source().join("text"), world.source().join("another")).expect("copied");
    let third = world.run(&["scan", "source", "--to", "data"]).expect(0);
    assert!(third.stdout.contains(" sent (1.24 MiB reused) in "), "{}", third.stdout);
}

#[test]
fn compression_can_be_turned_off_and_turned_up() {
    let sent = |level: &str| {
        let world = World::new();
        let text: String =
            noise(1, 200_000).iter().map(|byte| ["round ", "man ", "beat\n"][usize::from(byte % 3)]).collect();
        write(&world.source(), &[&format!("text={text}")]);
        let round = world.scan(&["--compression-level", level]).expect(0);
        assert_mirrored(&world.source(), &world.mirror());
        (round.count("contents_sent"), round.count("contents_packed"))
    };
    let (raw, packed) = sent("off");
    assert_eq!(raw, packed);
    let (fast, small) = (sent("1").1, sent("19").1);
    assert!(small < fast && fast < raw / 2, "{small} {fast} {raw}");
}

#[test]
fn a_rate_that_is_none_is_refused_and_a_timetable_is_not() {
    let world = World::with(&["a=1"]);
    let refused = world.scan(&["--limit-rate", "1KiB"]).expect(2);
    assert!(refused.stderr.contains("at least 16KiB"), "{}", refused.stderr);
    world.scan(&["--limit-rate", "00:00-24:00 50MiB", "--limit-rate", "1GiB"]).expect(0);
    assert_mirrored(&world.source(), &world.mirror());
}

#[test]
fn twenty_megabytes_at_two_mebibytes_a_second_take_nine_to_twelve_seconds() {
    if !sized(false, true, true) {
        return; // Ten seconds.
    }
    let world = World::new();
    fs::create_dir_all(world.source()).expect("made");
    fs::write(world.source().join("noise"), noise(1, 20_000_000)).expect("written");
    let began = Instant::now();
    world.scan(&["--limit-rate", "2MiB"]).expect(0);
    let seconds = began.elapsed().as_secs_f64();
    assert!((9.0..12.0).contains(&seconds), "{seconds}");
    assert_mirrored(&world.source(), &world.mirror());
}
