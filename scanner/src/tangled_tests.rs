//! The law of what is taken back: a plan of the other findings, and a change for each that is left, are the plan of all.

use proptest::prelude::*;
use protocol::{Change, Kind};
use seams::scratch::InMemory;

use super::*;
use crate::directory_moves::infer;
use crate::finding::{Deferral, Hint};
use crate::perfect_scan::{Claims, claims_by_inode, findings_by};
use crate::perturbed::pairs;
use crate::plain::{is_plain, plain_change};
use crate::plan::{Planned, plan};
use crate::plan_literals::{Literal, fewer_cases, lines, literal, path, words};

/// Findings as a scan parts them: plain ones in a scratch, after which those were taken back that are not.
fn parted(findings: Vec<Finding>, old: &Literal) -> (Vec<Finding>, InMemory) {
    let (mut kept, mut spilled) = (Vec::new(), Vec::new());
    for finding in findings {
        match finding {
            Finding::Present { path, base, was, now, old_inode, inode, silent: false }
                if is_plain(&path, base.as_ref(), was.as_ref(), &now)
                    && !(was.is_none() && now.kind() == Kind::Directory && old.contains_key(&path)) =>
            {
                spilled.push(Plain { path, was, now, old_inode, inode });
            }
            other => kept.push(other),
        }
    }
    let scratch = InMemory::default();
    scratch.put(spilled).expect("memory can be written");
    take_back(&mut kept, &scratch).expect("memory can be read");
    (kept, scratch)
}

/// The same plan, of the findings that were kept, and of the scratch one by one.
fn planned_apart(mut findings: Vec<Finding>, scratch: &InMemory) -> Planned {
    infer(&mut findings);
    let mut planned = plan(&findings);
    for plain in Pages::of(scratch) {
        let plain = plain.expect("memory can be read");
        if planned.is_closed(&plain.path) {
            planned.waiting.push(plain.path);
        } else {
            planned.changes.push(plain_change(plain));
        }
    }
    planned.changes.sort_by(|a, b| a.path().cmp(b.path()).then_with(|| a.kind().cmp(&b.kind())));
    planned.waiting.sort();
    planned
}

/// Some new files as files that were not read, by the bits of a number.
fn some_unread(findings: Vec<Finding>, which: u16) -> Vec<Finding> {
    let unread = |(finding, bit): (Finding, u32)| match finding {
        Finding::Present { path, was: None, now: Entry::File { size, .. }, inode, .. } if which >> bit & 1 == 1 => {
            Finding::Deferred { path, reason: Deferral::Moving, hint: Some(Hint { inode, size }) }
        }
        other => other,
    };
    findings.into_iter().zip((0..16).cycle()).map(unread).collect()
}

proptest! {
    #![proptest_config(fewer_cases())]
    #[test]
    fn a_plan_made_in_parts_is_the_plan_of_all(
        (old, new) in pairs(), by_inode: bool, unread in prop_oneof![Just(0), any::<u16>()],
    ) {
        let claims = if by_inode { claims_by_inode(&old, &new) } else { Claims::new() };
        let found = || some_unread(findings_by(&old, &new, &claims), unread);
        let mut all = found();
        infer(&mut all);
        let (findings, scratch) = parted(found(), &old);
        let (whole, apart) = (plan(&all), planned_apart(findings, &scratch));
        let said = || format!("{} -> {}", words(&old), words(&new));
        prop_assert_eq!(lines(&whole.changes), lines(&apart.changes), "{}", said());
        prop_assert_eq!(whole, apart, "{}", said());
    }
}

/// The paths that are left in the scratch.
fn left(old: &[&str], new: &[&str]) -> Vec<String> {
    let (old, new) = (literal(old), literal(new));
    let (_, scratch) = parted(findings_by(&old, &new, &Claims::new()), &old);
    Pages::of(&scratch).map(|plain| plain.expect("memory can be read").path.to_string()).collect()
}

#[test]
fn what_may_have_moved_is_taken_back_with_the_directories_above_it() {
    assert_eq!(left(&["a=1"], &["d/", "d/e/", "d/e/b=1", "d/x=2", "y/", "y/z=3"]), ["d/x", "y", "y/z"]);
    assert_eq!(left(&["a=1"], &["a=2", "b=1", "c=2"]), ["c"], "what was rewritten may be another file now");
}

#[test]
fn so_many_empty_files_are_taken_back_as_ended() {
    assert_eq!(left(&["d/", "d/a="], &["x/", "x/a=", "y/", "y/a=", "y/b="]), ["y", "y/a", "y/b"]);
}

#[test]
fn all_that_is_in_a_directory_that_moved_is_taken_back() {
    let old = ["d/", "d/a=1", "d/b=2", "d/c=3"];
    assert_eq!(left(&old, &["e/", "e/a=1", "e/b=2", "e/c=4", "e/n/", "e/n/m=5", "f/", "f/o=6"]), ["f", "f/o"]);
}

#[test]
fn a_page_ends_nothing() {
    let new: Vec<String> = (0..2 * PAGE).map(|number| format!("e/{number:05}={number}")).collect();
    let mut new: Vec<&str> = new.iter().map(String::as_str).collect();
    new.extend(["e/", "e/x=a", "f/", "f/y=b"]);
    assert_eq!(left(&["d/", "d/x=a"], &new), ["f", "f/y"]);
}

#[test]
fn what_is_plain_calls_for_a_change_of_its_own() {
    let now = literal(&["a=1"])[&path("a")].0.clone();
    let plain = |was| Plain { path: path("a"), was, now: now.clone(), old_inode: None, inode: 1 };
    assert_eq!(plain_change(plain(None)), Change::Create { path: path("a"), entry: now.clone() });
    let metadata = now.metadata().clone();
    assert_eq!(plain_change(plain(Some(now.clone()))), Change::Metadata { path: path("a"), metadata });
}
