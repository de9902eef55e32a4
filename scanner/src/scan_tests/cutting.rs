//! Files are cut into chunks in the read that hashes their new bytes, and the lists are recorded by and by.

use chunking::Parameters;
use protocol::ContentId;

use super::world::World;
use crate::lists::MOST_LIST_BYTES;

/// A text of so many bytes that repeats itself nowhere.
fn text(seed: &str, length: usize) -> String {
    let words = (0..).map(|word: u64| format!("{seed}{} ", word.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let mut text: String = words.take(length / 8).collect();
    text.truncate(length);
    text
}

fn id(text: &str) -> ContentId {
    ContentId::of(text.as_bytes())
}

fn mean(bytes: u32) -> Parameters {
    Parameters::with_mean(bytes).expect("a good mean")
}

#[test]
fn a_new_file_is_cut_into_chunks_unless_it_is_small() {
    let (small, large) = (text("s", 2_048), text("l", 400_000));
    let mut world = World::new(&[&format!("small={small}"), &format!("large={large}")]);
    world.round();
    let lists = world.rows.lists();
    assert_eq!(lists.keys().collect::<Vec<_>>(), [&id(&large)]);
    assert_eq!(lists[&id(&large)].length(), 400_000);
    assert_eq!(lists[&id(&large)].parameters(), mean(4_096));
}

#[test]
fn a_new_version_is_cut_as_the_old_one_was_of_the_same_size_or_another() {
    let (old, grown) = (text("o", 200_000), text("o", 300_000));
    let mut world = World::new(&[&format!("f={old}")]);
    world.round();
    let edited = text("p", 300_000);
    for new in [&grown, &edited] {
        world.clock.advance(std::time::Duration::from_secs(9));
        world.write(&format!("f={new}"));
        world.round();
        assert_eq!(world.rows.lists()[&id(new)].parameters(), mean(1_024), "300 KB would be cut into 4 KiB");
    }
}

#[test]
fn what_was_not_read_or_did_not_change_is_not_cut_again() {
    let mut world = World::new(&[&format!("f={}", text("f", 9_000))]);
    world.round();
    world.rows.lists().clear();
    world.rules.full = true;
    assert_eq!(world.round().counts.files_opened, 1);
    assert!(world.rows.lists().is_empty(), "the bytes are the same");
}

#[test]
fn lists_are_recorded_before_what_names_them_and_few_at_a_time() {
    let files: Vec<String> = (0..40).map(|n| format!("d{}/f{n}={}", n / 20, text(&n.to_string(), 9_000))).collect();
    let mut world = World::new(&files.iter().map(String::as_str).collect::<Vec<_>>());
    world.round();
    assert_eq!(world.rows.lists().len(), 40);
    assert_eq!(*world.rows.unlisted.lock().expect("not poisoned"), []);
    let at_a_time = world.rows.list_bytes_at_a_time.lock().expect("not poisoned").clone();
    let one = world.rows.lists().values().map(|list| list.as_bytes().len()).max().expect("some list");
    assert!(at_a_time.len() > 5 && at_a_time.iter().all(|bytes| *bytes < 2 * MOST_LIST_BYTES + one), "{at_a_time:?}");
}
