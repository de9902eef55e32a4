//! [`MirrorPast`]: one mirror's past, asked of whoever keeps it.

mod find;
mod rounds;

use protocol::limits::MAX_ENTRY_QUERIES;
use protocol::wire::{
    ChangesSince, EntriesAt, ListAt, Listed, ReadAt, ReadPage, Revision, Revisions, Version, Versions, VersionsPage,
};
use protocol::{ByteRange, Change, Entry, Head, MirrorName, ProblemCode, RelPath, Timestamp};
use restorer::{Kept, Past, PastError};
use uploader::{CallError, Caller, DeliverError, TransportError};

use crate::exit::Failure;
use crate::round::RoundError;
use crate::round_failure::failure;
use crate::stop::Stop;

pub(crate) use find::Reached;
pub(crate) use rounds::{RoundOf, Rounds};

/// Most versions of one path that are held, to be told in order; older ones are left out.
const MOST_VERSIONS: usize = 100_000;

/// A receiver that looks at a file again reads so many bytes of it before it answers, at least.
const LEAST_LOOKED_AT: u64 = 1024 * 1024;

/// One mirror at all of its revisions.
#[derive(Debug)]
pub(crate) struct MirrorPast<'a> {
    /// Who asks.
    pub(crate) caller: &'a Caller,
    /// Which mirror.
    pub(crate) mirror: MirrorName,
}

impl MirrorPast<'_> {
    /// The revisions after a number: a page, and whether there are more.
    pub(crate) fn revisions(&self, after: Option<u64>) -> Result<(Vec<Revision>, bool), CallError> {
        let page = self.caller.call(Revisions { mirror: self.mirror.clone(), after, as_of: None })?;
        Ok((page.revisions, page.more))
    }

    /// The last revision by a time.
    pub(crate) fn as_of(&self, time: Timestamp) -> Result<Option<Revision>, CallError> {
        let asked = Revisions { mirror: self.mirror.clone(), after: None, as_of: Some(time) };
        Ok(self.caller.call(asked)?.revisions.pop())
    }

    /// The head of a number, or the newest.
    pub(crate) fn head(&self, revision: Option<u64>) -> Result<Head, CallError> {
        let asked = EntriesAt { mirror: self.mirror.clone(), revision, paths: Vec::new() };
        Ok(self.caller.call(asked)?.revision)
    }

    fn reading(&self, revision: u64, path: &RelPath, range: ByteRange, suspect: bool) -> ReadAt {
        ReadAt { mirror: self.mirror.clone(), revision: Some(revision), path: path.clone(), range, suspect }
    }

    /// The versions of a path, the oldest first, each once; and whether older ones were left out.
    pub(crate) fn versions(&self, path: &RelPath) -> Result<(Vec<Version>, bool), CallError> {
        let mut asked = Versions { mirror: self.mirror.clone(), path: path.clone(), until: None, along: None };
        let mut versions = Vec::new();
        let mut left_out = false;
        loop {
            let VersionsPage { versions: page, next } = self.caller.call(asked.clone())?;
            versions.extend(page);
            let Some(next) = next else { break };
            if versions.len() >= MOST_VERSIONS {
                left_out = true;
                break;
            }
            (asked.until, asked.along) = (Some(next.until), next.along);
        }
        versions.sort_by(|a, b| (a.from, &a.listed.path).cmp(&(b.from, &b.listed.path)));
        // A thing that came back to the path is told of once for each time. What of it was at the path while it was
        // away from there ended no sooner: the longer of the two is right.
        versions.dedup_by(|later, kept| {
            let same = (later.from, &later.listed.path) == (kept.from, &kept.listed.path);
            if same
                && kept.until.is_some()
                && later.until.is_none_or(|end| kept.until.is_some_and(|k| k.revision < end.revision))
            {
                kept.until = later.until;
            }
            same
        });
        Ok((versions, left_out))
    }
}

impl Past for MirrorPast<'_> {
    fn list(&self, revision: u64, after: Option<&RelPath>) -> Result<(Vec<Listed>, bool), PastError> {
        let asked = ListAt { mirror: self.mirror.clone(), revision: Some(revision), after: after.cloned() };
        let page = self.caller.call(asked).map_err(past_error)?;
        Ok((page.entries, page.more))
    }

    fn entries(&self, revision: u64, paths: &[RelPath]) -> Result<Vec<Option<Entry>>, PastError> {
        let mut entries = Vec::with_capacity(paths.len());
        while entries.len() < paths.len() {
            let rest = &paths[entries.len()..];
            let paths = rest[..rest.len().min(MAX_ENTRY_QUERIES)].to_vec();
            let asked = EntriesAt { mirror: self.mirror.clone(), revision: Some(revision), paths };
            let found = self.caller.call(asked).map_err(past_error)?.entries;
            if found.is_empty() || found.len() > rest.len() {
                return Err(PastError::Ended("the receiver answers something else than what was asked".into()));
            }
            entries.extend(found);
        }
        Ok(entries)
    }

    fn read(&self, revision: u64, path: &RelPath, range: ByteRange) -> Result<Vec<u8>, PastError> {
        Ok(self.caller.call(self.reading(revision, path, range, false)).map_err(past_error)?.data.into())
    }

    fn look_again(&self, revision: u64, path: &RelPath, size: u64) -> Result<Kept, PastError> {
        let nothing = ByteRange { offset: 0, length: 0 };
        for _ in 0..=size / LEAST_LOOKED_AT {
            match self.caller.call(self.reading(revision, path, nothing, true)).map_err(past_error) {
                Err(PastError::Lost(_)) => return Ok(Kept::Damaged),
                Err(error) => return Err(error),
                Ok(ReadPage { is_whole: Some(false), .. }) => {}
                Ok(ReadPage { is_whole: Some(true), .. }) => return Ok(Kept::Whole),
                Ok(ReadPage { is_whole: None, .. }) => break,
            }
        }
        Ok(Kept::Unknown)
    }

    fn changes(&self, since: u64, until: u64, most: usize) -> Result<Option<Vec<Change>>, PastError> {
        let since = self.head(Some(since)).map_err(past_error)?;
        let mut changes = Vec::new();
        loop {
            let skip = changes.len() as u64;
            let asked = ChangesSince { mirror: self.mirror.clone(), since, until: Some(until), skip };
            let page = self.caller.call(asked).map_err(past_error)?;
            changes.extend(page.changes);
            if changes.len() > most {
                return Ok(None);
            }
            if !page.more {
                return Ok(Some(changes));
            }
        }
    }
}

/// What is said of one path or revision hinders no other; so it is with a disk that cannot read one file.
fn past_error(error: CallError) -> PastError {
    match error {
        CallError::Problem(problem) if problem.code == ProblemCode::NotFound => PastError::Lost(problem.detail),
        CallError::Unreachable(TransportError::Problem { problem, .. }) if problem.code == ProblemCode::Internal => {
            PastError::Lost(problem.detail)
        }
        other => PastError::Ended(Box::new(other)),
    }
}

/// The failure of a call.
pub(crate) fn call_failure(error: CallError, stop: &Stop) -> Failure {
    failure(RoundError::Deliver(DeliverError::Call(error)), stop)
}
