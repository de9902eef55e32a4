//! Chunk lists that the client has not got any more: the receiver cuts the contents again.

use std::collections::{HashMap, VecDeque};

use chunking::{CHUNKER, ChunkList, Parameters};
use protocol::limits::MAX_CHUNK_QUERIES;
use protocol::wire::{ChunkQuery, Chunked, Chunks, ChunksPage};
use protocol::{ContentId, MirrorName};

use crate::{CallError, Caller};

/// Asks the receiver how these contents are cut. Those that it does not hold, or that nobody could be asked about, are
/// left out: more is sent then, and nothing else.
///
/// # Errors
/// As a call has; but a receiver that does not take the question is no error.
pub(crate) fn ask(
    caller: &Caller,
    mirror: &MirrorName,
    wanted: impl IntoIterator<Item = (ContentId, Parameters)>,
) -> Result<HashMap<ContentId, ChunkList>, CallError> {
    let mut asking = Asking { waiting: wanted.into_iter().map(Lost::new).collect(), found: HashMap::new() };
    while !asking.waiting.is_empty() {
        let wanted = asking.queries();
        match caller.call(Chunks { mirror: mirror.clone(), wanted }) {
            Ok(page) => asking.take(page)?,
            Err(CallError::Problem(problem)) => {
                tracing::debug!(%problem, "lost chunk lists stay lost");
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(asking.found)
}

/// A list that is being asked for, and what has come of it.
#[derive(Debug)]
struct Lost {
    content: ContentId,
    parameters: Parameters,
    list: Option<ChunkList>,
}

impl Lost {
    fn new((content, parameters): (ContentId, Parameters)) -> Self {
        Self { content, parameters, list: None }
    }

    fn come(&self) -> u64 {
        self.list.as_ref().map_or(0, ChunkList::length)
    }

    fn query(&self) -> ChunkQuery {
        let Self { content, parameters, .. } = self;
        ChunkQuery { content: *content, chunker: CHUNKER, mean: parameters.mean(), from: self.come() }
    }
}

#[derive(Debug)]
struct Asking {
    waiting: VecDeque<Lost>,
    found: HashMap<ContentId, ChunkList>,
}

impl Asking {
    fn queries(&self) -> Vec<ChunkQuery> {
        self.waiting.iter().take(MAX_CHUNK_QUERIES).map(Lost::query).collect()
    }

    /// Takes a page: lists of the first that were asked for, the last one perhaps in part. Every page takes one question
    /// off, or brings one further.
    fn take(&mut self, page: ChunksPage) -> Result<(), CallError> {
        if page.lists.is_empty() || page.lists.len() > self.waiting.len().min(MAX_CHUNK_QUERIES) {
            return Err(contradiction("another number of chunk lists than was asked for"));
        }
        for chunked in page.lists {
            let Some(lost) = self.waiting.pop_front() else { break };
            self.take_one(lost, chunked)?;
        }
        Ok(())
    }

    fn take_one(&mut self, mut lost: Lost, chunked: Chunked) -> Result<(), CallError> {
        let Some(bytes) = chunked.list else { return Ok(()) };
        let come = lost.come();
        let part = ChunkList::decode(lost.parameters, bytes.into());
        let part = part.map_err(|bad| contradiction(&bad.to_string()))?;
        let whole = match lost.list.take() {
            Some(list) => list.joined(&part),
            None => Some(part),
        };
        // Too long together: none at all.
        let Some(list) = whole else { return Ok(()) };
        match chunked.next {
            None => drop(self.found.insert(lost.content, list)),
            Some(next) if next == list.length() && next > come => {
                lost.list = Some(list);
                self.waiting.push_front(lost);
            }
            Some(_) => return Err(contradiction("a chunk list that goes on elsewhere than it ended")),
        }
        Ok(())
    }
}

fn contradiction(what: &str) -> CallError {
    CallError::Protocol(what.to_owned())
}

#[cfg(test)]
#[path = "lost_lists_tests.rs"]
mod tests;
