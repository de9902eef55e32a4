//! Decisions that all stores share: who may write, whose copy a mirror is, and the words for a refusal.

use protocol::limits::BRAKE_WINDOW;
use protocol::wire::Source;
use protocol::{Head, Lineage, MirrorName, Problem, ProblemCode, Timestamp, escape};

/// What a claim comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClaimVerdict {
    /// The source is recorded so already.
    Nothing,
    /// Record it.
    Record,
}

/// Whether a mirror with the `recorded` source may become the copy of the `claimed` one.
pub(crate) fn judge_claim(
    mirror: &MirrorName,
    recorded: Option<&Source>,
    claimed: &Source,
    replaces: Option<&Source>,
) -> Result<ClaimVerdict, Problem> {
    match recorded {
        None => Ok(ClaimVerdict::Record),
        Some(same) if same == claimed => Ok(ClaimVerdict::Nothing),
        Some(former) if replaces == Some(former) || is_unknown(former) => Ok(ClaimVerdict::Record),
        Some(other) => Err(Problem::new(ProblemCode::OtherSource, told_apart(mirror, other, claimed))
            .with_hint("give this source another mirror name, or accept it as the mirror's new source")),
    }
}

/// A source of which nothing is known any more: that of a mirror whose catalog was rebuilt.
pub(crate) fn unknown_source() -> Source {
    Source { path: Vec::new().into(), identity: Vec::new().into(), host: String::new() }
}

/// Whether nothing is known of a source. No client's own has an empty path.
pub(crate) fn is_unknown(source: &Source) -> bool {
    *source == unknown_source()
}

/// Names both sources; two directories that were at one path at different times have one name.
fn told_apart(mirror: &MirrorName, recorded: &Source, claimed: &Source) -> String {
    if (&recorded.path, &recorded.host) == (&claimed.path, &claimed.host) {
        let place = shown(claimed);
        return format!("the mirror {mirror} is the copy of another directory that was at {place} before");
    }
    format!("the mirror {mirror} is the copy of {}, not of {}", shown(recorded), shown(claimed))
}

fn shown(source: &Source) -> String {
    format!("{} on {}", escape(&source.path), escape(source.host.as_bytes()))
}

/// Revisions after this moment count for the brake. A clock that was set back lets none of them leave early.
pub(crate) fn brake_window_start(now: Timestamp) -> Timestamp {
    now.plus_nanos(i64::try_from(BRAKE_WINDOW.as_nanos()).map_or(i64::MIN, |window| -window))
}

/// Refuses a lineage that was superseded: a revision on this base would lie past its fork.
pub(crate) fn judge_writer(base: Head, superseded_at: Option<u64>) -> Result<(), Problem> {
    match superseded_at {
        Some(fork) if base.number >= fork => Err(fenced(fork)),
        Some(_) | None => Ok(()),
    }
}

/// A superseded lineage may not write.
pub(crate) fn fenced(fork: u64) -> Problem {
    let detail = format!("another live client took this mirror over at revision {fork}");
    Problem::new(ProblemCode::Fenced, detail).with_hint("run `roundsman takeover` if this one is to go on instead")
}

/// Refuses a takeover by a lineage that was superseded itself.
pub(crate) fn judge_heir(lineage: Lineage, superseded_at: impl Fn(Lineage) -> Option<u64>) -> Result<(), Problem> {
    superseded_at(lineage).map_or(Ok(()), |fork| Err(fenced(fork)))
}

/// The head is another than the request means.
pub(crate) fn head_moved(mirror: &MirrorName, head: Head, meant: Head) -> Problem {
    let detail = format!(
        "the mirror {mirror} is at revision {}; the request means another revision {}",
        head.number, meant.number
    );
    Problem::new(ProblemCode::HeadMoved, detail).with_hint("make contact again")
}

/// A proposal that is not open.
pub(crate) fn unknown_proposal(mirror: &MirrorName) -> Problem {
    Problem::new(ProblemCode::UnknownProposal, format!("this proposal to the mirror {mirror} is not open any more"))
        .with_hint("propose again: what arrived before is kept")
}

/// A mirror nobody claimed.
pub(crate) fn no_mirror(mirror: &MirrorName) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("there is no mirror {mirror}"))
}

/// A revision that there is not.
pub(crate) fn no_revision(mirror: &MirrorName, number: u64) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("the mirror {mirror} has no revision {number}"))
}

/// A request that means nothing.
pub(crate) fn malformed(detail: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemCode::Malformed, detail)
}

/// A request past a limit.
pub(crate) fn too_large(detail: impl std::fmt::Display) -> Problem {
    Problem::new(ProblemCode::TooLarge, detail)
}
