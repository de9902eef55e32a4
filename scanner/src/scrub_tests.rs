//! Which files are the longest unverified, within a budget.

use proptest::prelude::*;

use super::*;

fn candidate(verified: i64, size: u64, number: usize) -> Candidate {
    let path = RelPath::parse(format!("d{}/f{number}", number % 4).as_bytes()).expect("valid in this test");
    Candidate { verified: Timestamp::from_nanos(verified), path, directory: DirectoryId(1), size }
}

/// The oldest, as long as their sizes sum up to the budget at most, and the oldest one in any case.
fn oldest(mut all: Vec<Candidate>, budget: u64) -> Vec<Candidate> {
    all.sort();
    let mut bytes = 0;
    let fits = |(at, candidate): &(usize, Candidate)| {
        bytes += candidate.size;
        *at == 0 || bytes <= budget
    };
    all.into_iter().enumerate().take_while(fits).map(|(_, candidate)| candidate).collect()
}

fn offered(all: &[Candidate], budget: u64) -> Selection {
    let mut selection = Selection::new(budget);
    for candidate in all {
        if selection.wants(candidate.verified) {
            selection.offer(candidate.clone());
        }
    }
    selection
}

proptest! {
    #[test]
    fn the_oldest_are_chosen_in_whatever_order_and_parts_they_come(
        files in prop::collection::vec((0_i64..20, 0_u64..30), 1..60),
        budget in 1_u64..200,
        cut in 0_usize..60,
    ) {
        let all: Vec<Candidate> =
            files.iter().enumerate().map(|(number, &(verified, size))| candidate(verified, size, number)).collect();
        let expected = oldest(all.clone(), budget);
        let whole = offered(&all, budget);
        prop_assert_eq!(whole.chosen.into_sorted_vec(), expected.clone());
        let (first, second) = all.split_at(cut.min(all.len()));
        let shared = Scrub::new(budget);
        for part in [first, second] {
            let mut selection = shared.fresh();
            part.iter().cloned().for_each(|candidate| selection.offer(candidate));
            shared.merge(selection);
        }
        let merged = std::mem::take(&mut *shared.selection());
        prop_assert_eq!(merged.chosen.into_sorted_vec(), expected);
    }
}

#[test]
fn no_more_files_are_chosen_than_memory_is_meant_for() {
    let mut selection = Selection::new(u64::MAX);
    for number in 0..=MOST_FILES {
        selection.offer(candidate(0, 0, number));
    }
    assert_eq!(selection.chosen.len(), MOST_FILES);
}

#[test]
fn without_a_budget_nothing_is_wanted() {
    let mut selection = Selection::new(0);
    assert!(!selection.wants(Timestamp::from_nanos(0)));
    selection.offer(candidate(0, 0, 1));
    assert!(selection.chosen.is_empty());
}

#[test]
fn what_is_chosen_in_one_directory_is_read_together_and_once() {
    let shared = Scrub::new(100);
    for _ in 0..2 {
        let mut selection = shared.fresh();
        [1, 5, 2].into_iter().for_each(|number| selection.offer(candidate(1, 1, number)));
        shared.merge(selection);
    }
    let groups: Vec<(String, usize)> =
        shared.take().iter().map(|group| (group.path.to_string(), group.files.len())).collect();
    assert_eq!(groups, [("d1".to_owned(), 2), ("d2".to_owned(), 1)]);
    assert!(shared.take().is_empty());
}
