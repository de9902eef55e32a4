//! `roundsman approve` and `roundsman reject`: a person decides about what the brake holds. Work beside running rounds:
//! the next one takes notice.

mod prefix;
mod verdict;

use std::path::Path;

use protocol::Timestamp;
use seams::clock::{Clock, SystemClock};
use snapshot_db::{Decision, HeldDigest, Snapshot, SnapshotError};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::own_mirrors::{OwnMirror, OwnMirrors};
use crate::route::shown;
pub(crate) use prefix::DigestPrefix;
use verdict::Verdict;

/// Decides about the list whose digest begins so, wherever exactly that list is held.
///
/// # Errors
/// No list, or several ones, begin so; or the decision does not hold, as an earlier one stands against it.
pub(crate) fn decide(
    prefix: &DigestPrefix,
    decision: Decision,
    state_dir: &Path,
    output: &Output,
) -> Result<Exit, Failure> {
    let found = OwnMirrors::find(state_dir)?;
    let candidates = candidates(&found.mirrors, prefix)?;
    let digest = only(&candidates).map_err(|several| match several.as_slice() {
        [] => unknown(prefix, &found),
        several => ambiguous(prefix, several),
    })?;
    let now = SystemClock::new().now();
    let mut exit = Exit::Done;
    for (mirror, _) in candidates {
        match decide_about(mirror, digest, decision, now) {
            Ok(verdict) => output.answer(&verdict.text(now), &verdict),
            Err(failure) => {
                output.failure(&failure);
                exit = failure.exit;
            }
        }
    }
    Ok(exit)
}

/// The lists that begin so, held or let go, each with its mirror.
fn candidates<'a>(
    mirrors: &'a [OwnMirror],
    prefix: &DigestPrefix,
) -> Result<Vec<(&'a OwnMirror, HeldDigest)>, SnapshotError> {
    let mut candidates = Vec::new();
    for mirror in mirrors {
        let held = mirror.snapshot.held_lists()?.into_iter().map(|list| list.digest);
        let let_go = mirror.snapshot.let_go()?.into_iter().map(|(digest, _)| digest);
        let begin_so: std::collections::BTreeSet<_> =
            held.chain(let_go).filter(|digest| digest.begins_with(prefix.as_str())).collect();
        candidates.extend(begin_so.into_iter().map(|digest| (mirror, digest)));
    }
    Ok(candidates)
}

/// The one digest of all candidates; else all there are.
fn only(candidates: &[(&OwnMirror, HeldDigest)]) -> Result<HeldDigest, Vec<HeldDigest>> {
    let mut digests: Vec<HeldDigest> = candidates.iter().map(|(_, digest)| *digest).collect();
    digests.sort_unstable();
    digests.dedup();
    match digests.as_slice() {
        [digest] => Ok(*digest),
        _ => Err(digests),
    }
}

/// What came of it at one mirror; a failure where an earlier decision stands against it.
fn decide_about(
    mirror: &OwnMirror,
    digest: HeldDigest,
    decision: Decision,
    now: Timestamp,
) -> Result<Verdict, Failure> {
    let Some(snapshot) = Snapshot::open_beside(&mirror.path)? else {
        return Err(Failure::new(Exit::Failed, anyhow::anyhow!("the snapshot {} is gone", shown(&mirror.path))));
    };
    let list = snapshot.held_lists()?.into_iter().find(|list| list.digest == digest);
    let decided = snapshot.decide(&digest, decision, now)?;
    Verdict::of(mirror, digest, list.as_ref(), decision, decided, now)
}

fn unknown(prefix: &DigestPrefix, found: &OwnMirrors) -> Failure {
    let held = found.mirrors.iter().flat_map(|mirror| {
        let lists = mirror.snapshot.held_lists().unwrap_or_default();
        lists.into_iter().map(|list| format!("{} of {}", list.digest, mirror.title()))
    });
    let held: Vec<String> = held.collect();
    let hint = if held.is_empty() { "nothing is held".to_owned() } else { format!("held: {}", held.join("; ")) };
    Failure::new(Exit::Failed, anyhow::anyhow!("no held list is called {prefix}")).hint(hint)
}

fn ambiguous(prefix: &DigestPrefix, several: &[HeldDigest]) -> Failure {
    let several: Vec<String> = several.iter().map(ToString::to_string).collect();
    let message = anyhow::anyhow!("several held lists begin with {prefix}: {}", several.join(", "));
    Failure::new(Exit::Failed, message).hint("type more of the one that you mean")
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
