//! The laws of what waits: whatever is not read or does not settle, what is planned can be applied, and no file that may
//! be elsewhere ends.

use std::collections::BTreeSet;

use proptest::prelude::*;
use protocol::{ContentId, Entry, Kind, Tree};

use crate::directory_moves::infer;
use crate::finding::{Deferral, Finding, Hint};
use crate::perfect_scan::{Claims, claims_by_inode, findings_by, told};
use crate::perturbed::pairs;
use crate::plan::{Planned, plan};
use crate::plan_literals::{Literal, fewer_cases, lines, tree, words};
use crate::unsettled::{ended, hold_back, topmost};

/// A file that is there, as one that was not read. What replaces a directory is always read: a scan that cannot do so
/// does not say what became of the directory either.
fn unread(finding: Finding) -> Finding {
    match finding {
        Finding::Present { path, was, now: Entry::File { size, .. }, inode, .. }
            if was.as_ref().is_none_or(|was| was.kind() != Kind::Directory) =>
        {
            Finding::Deferred { path, reason: Deferral::Moving, hint: Some(Hint { inode, size }) }
        }
        other => other,
    }
}

/// Some of these are otherwise, by the bits of a number.
fn some(findings: Vec<Finding>, which: u16, otherwise: impl Fn(Finding) -> Finding) -> Vec<Finding> {
    let bits = (0..16).cycle().map(|bit| which >> bit & 1 == 1);
    findings.into_iter().zip(bits).map(|(finding, is)| if is { otherwise(finding) } else { finding }).collect()
}

/// What is planned with some files not read, and the findings.
fn planned_without(old: &Literal, new: &Literal, claims: &Claims, which: u16) -> (Planned, Vec<Finding>) {
    let mut findings = some(findings_by(old, new, claims), which, unread);
    infer(&mut findings);
    (plan(&findings), findings)
}

fn contents(tree: &Tree) -> BTreeSet<ContentId> {
    tree.iter().filter_map(|(_, entry)| entry.content()).map(|(content, _)| content).collect()
}

/// The contents of gone files that are not empty.
fn gone(findings: &[Finding]) -> impl Iterator<Item = (ContentId, u64)> {
    let file = |finding: &Finding| match finding {
        Finding::Gone { was, .. } => was.content().filter(|(_, size)| *size > 0),
        _ => None,
    };
    findings.iter().filter_map(file)
}

proptest! {
    #![proptest_config(fewer_cases())]
    #[test]
    fn whatever_is_not_read_the_plan_can_be_applied_and_nothing_that_may_have_moved_is_lost(
        (old, new) in pairs(), by_inode: bool, which: u16,
    ) {
        let claims = if by_inode { claims_by_inode(&old, &new) } else { Claims::new() };
        let (planned, findings) = planned_without(&old, &new, &claims, which);
        let message = || format!("{:?}: {} -> {}: {findings:#?}", lines(&planned.changes), words(&old), words(&new));
        let after = tree(&old).apply(&planned.changes);
        prop_assert!(after.is_ok(), "{:?} {}", after, message());
        let kept = contents(&after.expect("checked a line above"));
        let hints: BTreeSet<u64> = findings.iter().filter_map(|finding| match finding {
            Finding::Deferred { hint: Some(hint), .. } => Some(hint.size),
            _ => None,
        }).collect();
        for (content, _) in gone(&findings).filter(|(_, size)| hints.contains(size)) {
            prop_assert!(kept.contains(&content), "{}", message());
        }
        for moved in planned_without(&old, &new, &claims, 0).0.changes.iter().filter(|change| change.kind() == protocol::ChangeKind::Move) {
            let content = moved.entry().and_then(Entry::content);
            let is_unread = findings.iter().any(|finding| finding.path() == moved.path() && matches!(finding, Finding::Deferred { .. }));
            prop_assert!(is_unread || content.is_none_or(|(content, _)| kept.contains(&content)), "{}", message());
        }
        if hints.is_empty() {
            prop_assert_eq!(&planned.waiting, &[]);
        }
    }

    #[test]
    fn what_is_held_back_in_a_source_that_does_not_rest_ends_nothing((old, new) in pairs(), by_inode: bool) {
        let mut findings = told(&old, &new, by_inode);
        let gone: Vec<(ContentId, u64)> = gone(&findings).collect();
        let held = topmost(hold_back(&mut findings).paths);
        prop_assert!(ended(&mut findings).is_empty());
        let unsettled = |path| Finding::Deferred { path, reason: Deferral::Unsettled, hint: None };
        findings.extend(held.into_iter().map(unsettled));
        findings.sort_by(|a, b| a.path().cmp(b.path()));
        let changes = plan(&findings).changes;
        let message = || format!("{:?}: {} -> {}: {findings:#?}", lines(&changes), words(&old), words(&new));
        let after = tree(&old).apply(&changes);
        prop_assert!(after.is_ok(), "{:?} {}", after, message());
        let kept = contents(&after.expect("checked a line above"));
        prop_assert!(gone.iter().all(|(content, _)| kept.contains(content)), "{}", message());
    }
}
