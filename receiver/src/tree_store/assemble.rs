//! Putting a content together once its literals are there: zeros are holes, copies come from what the client holds.

use protocol::wire::CopiedRange;
use protocol::{ByteRange, ContentId, ContentPlan, Problem, Segment};
use seams::fs::File;

use crate::tree_store::bytes::{copy, hash};
use crate::tree_store::client::ClientStore;
use crate::tree_store::problems::disk;
use crate::tree_store::staged::Staged;

impl ClientStore {
    /// Makes a content whole whose literals are all there. If the result is not what the id says, it is thrown away
    /// and what was copied is answered.
    pub(super) fn assemble(
        &self,
        plan: &ContentPlan,
        staged: &mut Staged,
    ) -> Result<Option<Vec<CopiedRange>>, Problem> {
        let failed = disk("put a content together");
        let arriving = staged.begin(&self.staging, plan.content).map_err(&failed)?;
        let file = self.staging.directory().open_file_for_writing(&arriving.part).map_err(&failed)?;
        file.set_length(plan.length).map_err(&failed)?;
        let copied = self.copy_segments(plan, &*file)?;
        if hash(&*file).map_err(&failed)? == plan.content {
            staged.becomes_whole(&self.staging, plan.content, plan.length).map_err(&failed)?;
            return Ok(None);
        }
        staged.throw_away(&self.staging).map_err(&failed)?;
        Ok(Some(copied))
    }

    fn copy_segments(&self, plan: &ContentPlan, file: &dyn File) -> Result<Vec<CopiedRange>, Problem> {
        let mut copied = Vec::new();
        let mut at = 0;
        for segment in &plan.recipe {
            let range = ByteRange { offset: at, length: segment.length() };
            if let Segment::Copy { content, offset, length } = segment {
                let digest = self.copy_segment(*content, ByteRange { offset: *offset, length: *length }, file, at)?;
                copied.push(CopiedRange { range, digest });
            }
            at += range.length;
        }
        Ok(copied)
    }

    /// Copies a range of a held content. One that cannot be found any more gives the digest of nothing, which no
    /// range has.
    fn copy_segment(&self, from: ContentId, range: ByteRange, to: &dyn File, at: u64) -> Result<ContentId, Problem> {
        let mut digest = ContentId::of(b"");
        self.try_held(from, |source| {
            digest = copy(source, range, to, at)?;
            Ok(true)
        })?;
        Ok(digest)
    }
}
