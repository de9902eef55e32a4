//! How held contents are cut.

use protocol::Problem;
use protocol::wire::{Chunked, Chunks, ChunksPage};

use crate::store::chunks::{Cut, Pager, not_held, page_of_chunks};
use crate::tree_store::client::ClientStore;

impl ClientStore {
    pub(super) fn chunks(&self, request: &Chunks) -> Result<ChunksPage, Problem> {
        self.mirror(&request.mirror)?;
        page_of_chunks(request, |cut, pager| self.cut_held(cut, pager))
    }

    /// The bytes are not verified: a list of damaged ones costs a recipe that does not fit.
    fn cut_held(&self, cut: &Cut, pager: &mut Pager) -> Result<Option<Chunked>, Problem> {
        let Some(size) = self.held_length(cut.content)? else { return Ok(Some(not_held())) };
        let mut answer = Some(not_held());
        self.try_held(cut.content, |file| {
            answer = pager.cut(cut, size, |buffer, at| file.read_at(buffer, at))?;
            Ok(true)
        })?;
        Ok(answer)
    }
}
