//! Cutting held contents again, for a client that lost its lists: so much work for one answer, and no more.

use std::io;

use chunking::{CHUNKER, ChunkList, Cutter, Parameters};
use protocol::limits::{MAX_CHUNK_QUERIES, MAX_CHUNKED_BYTES};
use protocol::wire::{ChunkQuery, Chunked, Chunks, ChunksPage};
use protocol::{ContentId, Problem};

use crate::store::rules::{malformed, too_large};

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;

/// What to cut, and how: an algorithm and a mean that there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// Which content.
    pub(crate) content: ContentId,
    parameters: Parameters,
    from: u64,
}

/// What may still be read for one answer.
#[derive(Debug)]
pub(crate) struct Pager {
    left: u64,
}

/// Answers the first queries: all that can be cut whole within [`MAX_CHUNKED_BYTES`], or a part of the very first.
/// `answer` cuts one content with the pager; nothing where that does not fit any more.
pub(crate) fn page_of_chunks(
    request: &Chunks,
    mut answer: impl FnMut(&Cut, &mut Pager) -> Result<Option<Chunked>, Problem>,
) -> Result<ChunksPage, Problem> {
    if request.wanted.is_empty() || request.wanted.len() > MAX_CHUNK_QUERIES {
        return Err(too_large(format!("one request asks for the chunks of 1 to {MAX_CHUNK_QUERIES} contents")));
    }
    let cuts: Vec<Cut> = request.wanted.iter().map(check).collect::<Result<_, _>>()?;
    let mut pager = Pager { left: MAX_CHUNKED_BYTES };
    let mut lists = Vec::new();
    for cut in &cuts {
        match answer(cut, &mut pager)? {
            Some(chunked) => lists.push(chunked),
            None => break,
        }
    }
    Ok(ChunksPage { lists })
}

fn check(query: &ChunkQuery) -> Result<Cut, Problem> {
    if query.chunker != CHUNKER {
        return Err(malformed(format!("chunks are cut by algorithm {CHUNKER} here, not by {}", query.chunker)));
    }
    let parameters = Parameters::with_mean(query.mean);
    let parameters = parameters.ok_or_else(|| malformed(format!("there are no chunks of {} bytes", query.mean)))?;
    Ok(Cut { content: query.content, parameters, from: query.from })
}

/// The answer for a content that is not held.
pub(crate) fn not_held() -> Chunked {
    Chunked { list: None, next: None }
}

impl Pager {
    /// Cuts a content of this size, which is read at offsets. Only the first of an answer is cut in part.
    pub(crate) fn cut(
        &mut self,
        cut: &Cut,
        size: u64,
        mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    ) -> io::Result<Option<Chunked>> {
        let is_first = self.left == MAX_CHUNKED_BYTES;
        if size.saturating_sub(cut.from) > self.left && !is_first {
            return Ok(None);
        }
        let end = size.min(cut.from.saturating_add(self.left));
        let mut cutter = Cutter::new(cut.parameters);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut at = cut.from;
        while at < end {
            let room = usize::try_from(end - at).unwrap_or(usize::MAX).min(buffer.len());
            match read(&mut buffer[..room], at)? {
                // Somebody cut it off behind our back.
                0 => return Ok(Some(not_held())),
                length => {
                    cutter.feed(&buffer[..length]);
                    at += length as u64;
                }
            }
        }
        self.left -= at - cut.from;
        Ok(Some(chunked(cutter, cut.from, at < size)))
    }
}

fn chunked(cutter: Cutter, from: u64, goes_on: bool) -> Chunked {
    let next = goes_on.then(|| from.saturating_add(cutter.cut_to()));
    let list = if goes_on { cutter.pause() } else { cutter.finish() };
    Chunked { list: list.as_ref().map(|list: &ChunkList| list.as_bytes().to_vec().into()), next }
}
