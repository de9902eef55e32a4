//! Putting a content together once its literals are there: zeros are holes, copies come from what the client holds.
//!
//! Copying and hashing go on from the beginning to the end together, so that bytes are hashed while they are still in
//! memory. How far that came is kept: a huge content costs several requests, none of which takes long.

use std::collections::BTreeSet;

use protocol::wire::CopiedRange;
use protocol::{ByteRange, ContentId, ContentPlan, Problem, ProblemCode, Segment};
use seams::fs::File;

use crate::tree_store::bytes::{copy, hash, hash_range};
use crate::tree_store::client::ClientStore;
use crate::tree_store::held::Source;
use crate::tree_store::prefix::Prefix;
use crate::tree_store::problems::disk;
use crate::tree_store::staged::Staged;

/// Most bytes that one request copies and hashes: seconds, also on a slow disk. Zeros cost nothing to ask for.
pub(super) const MAX_ASSEMBLED_BYTES: u64 = if cfg!(test) { 64 * 1024 * 1024 } else { 4 * 1024 * 1024 * 1024 };
/// Bytes that are copied before they are hashed.
const STRETCH_BYTES: u64 = 8 * 1024 * 1024;
/// Most ranges that a mismatch answers; neighbours are put together where there are more.
const MAX_COPIED_RANGES: usize = 65_536;
/// Most contents, and bytes of them, that are read after a mismatch to find a damaged one.
const MAX_SUSPECTS: usize = 16;
const MAX_SUSPECT_BYTES: u64 = 16 * 1024 * 1024 * 1024;

impl ClientStore {
    /// Makes a content whole whose literals are all there. If the result is not what the id says, what was copied is
    /// answered.
    ///
    /// # Errors
    /// `Busy` where it takes more than one request: asked again, it goes on.
    pub(super) fn assemble(
        &self,
        plan: &ContentPlan,
        staged: &mut Staged,
    ) -> Result<Option<Vec<CopiedRange>>, Problem> {
        self.assemble_within(plan, staged, MAX_ASSEMBLED_BYTES)
    }

    /// The same with at most `budget` bytes of work.
    pub(super) fn assemble_within(
        &self,
        plan: &ContentPlan,
        staged: &mut Staged,
        budget: u64,
    ) -> Result<Option<Vec<CopiedRange>>, Problem> {
        let failed = disk("put a content together");
        let arriving = staged.begin(&self.staging, plan.content).map_err(&failed)?;
        let file = arriving.open(&**self.staging.directory(), plan.length).map_err(&failed)?;
        if arriving.prefix.length() > plan.length {
            arriving.prefix.forget();
        }
        file.set_length(plan.length).map_err(&failed)?;
        let until = arriving.prefix.length().saturating_add(budget);
        self.put_in_place(plan, &mut arriving.prefix, &*file, until)?;
        if arriving.prefix.length() < plan.length {
            return Err(goes_on(plan, &arriving.prefix));
        }
        if arriving.prefix.digest() == plan.content {
            staged.becomes_whole(&self.staging, plan.content, plan.length).map_err(&failed)?;
            return Ok(None);
        }
        let copied = copied_ranges(plan, &*file)?;
        arriving.prefix.forget();
        if !self.finds_damaged_source(plan)? {
            staged.throw_away(&self.staging).map_err(&failed)?;
        }
        Ok(Some(copied))
    }

    /// Copies what is to be copied, and hashes everything, up to the end or `until`.
    fn put_in_place(
        &self,
        plan: &ContentPlan,
        prefix: &mut Prefix,
        file: &dyn File,
        until: u64,
    ) -> Result<(), Problem> {
        let mut source = Source::for_length(plan.length);
        for (range, segment) in plan.segments() {
            let end = range.offset.saturating_add(range.length).min(until);
            while prefix.length() < end {
                let begin = prefix.length();
                let stretch = (end - begin).min(STRETCH_BYTES);
                if let Segment::Copy { content, offset, .. } = segment {
                    let from = ByteRange { offset: offset + (begin - range.offset), length: stretch };
                    self.copy_stretch(&mut source, content, from, file, prefix)?;
                }
                prefix.extend(file, begin + stretch).map_err(disk("hash a content"))?;
            }
        }
        Ok(())
    }

    /// Copies from a held content to behind the prefix. Where that cannot be found any more, zeros stay, and the hash
    /// will tell.
    fn copy_stretch(
        &self,
        source: &mut Source,
        content: ContentId,
        range: ByteRange,
        to: &dyn File,
        prefix: &mut Prefix,
    ) -> Result<(), Problem> {
        match self.source(source, content)? {
            Some(from) if to.copies_cheaply() => copy(from, range, to, prefix.length()),
            Some(from) => prefix.extend_from(from, range, to),
            None => Ok(()),
        }
        .map_err(disk("copy a content"))
    }

    /// Reads what a recipe copied from, and notes what is damaged: it is not held any more, and wanted again. Answers
    /// whether that is news. If not, the copies are not what is wrong.
    fn finds_damaged_source(&self, plan: &ContentPlan) -> Result<bool, Problem> {
        let sources: BTreeSet<ContentId> = plan.sources().collect();
        let mut left = MAX_SUSPECT_BYTES;
        let mut found = false;
        for content in sources.into_iter().take(MAX_SUSPECTS) {
            let Some(size) = self.held_length(content)? else { continue };
            left = left.saturating_sub(size);
            if left > 0 && self.finds_damage(content)? {
                tracing::warn!(%content, "a content is damaged where it is held; it is asked for again");
                found = true;
            }
        }
        Ok(found)
    }

    /// Whether the file that copies of a content come from is not what its id says. Then it is wanted.
    fn finds_damage(&self, content: ContentId) -> Result<bool, Problem> {
        let rows = self.catalog().rows_with(content)?;
        for row in rows {
            let Some(file) = self.open_row(&row)? else { continue };
            let is_sound = hash(&*file).map_err(disk("read a content again"))? == content;
            if !is_sound {
                self.catalog().want(&row, self.now())?;
            }
            return Ok(!is_sound);
        }
        self.catalog().want_everywhere(content, self.now())?;
        Ok(true)
    }
}

/// BLAKE3 of what lies where something was copied to.
fn copied_ranges(plan: &ContentPlan, file: &dyn File) -> Result<Vec<CopiedRange>, Problem> {
    let copies: Vec<ByteRange> =
        plan.segments().filter(|(_, segment)| segment.source().is_some()).map(|(range, _)| range).collect();
    let together = copies.len().div_ceil(MAX_COPIED_RANGES).max(1);
    let digest = |group: &[ByteRange]| {
        let (first, last) = (group[0], group[group.len() - 1]);
        let range = ByteRange { offset: first.offset, length: last.offset + last.length - first.offset };
        Ok(CopiedRange { range, digest: hash_range(file, range).map_err(disk("read a content again"))? })
    };
    copies.chunks(together).map(digest).collect()
}

fn goes_on(plan: &ContentPlan, prefix: &Prefix) -> Problem {
    let detail = format!("{} of {} bytes of a content are put together", prefix.length(), plan.length);
    Problem::new(ProblemCode::Busy, detail).with_hint("the same request goes on with it").with_progress(prefix.length())
}
