//! [`Recipes`]: how each content of a batch comes to be at the receiver.
//!
//! Copies are found by comparing chunk lists, without reading a file and without asking anybody: with the content that the
//! mirror has at the same place (where its list was lost, the receiver cuts it anew), and, once enough is to be sent that
//! this is worth it, with all others by a sampled index. A recipe may be wrong: lists can lie, and what is copied may be
//! gone. Then the receiver says so, and the next recipe of that content copies less.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock};

use chunking::{Base, Chunk, ChunkList, Index, Parameters, needs_list, recipe};
use protocol::wire::Mismatch;
use protocol::{Change, ContentId, ContentPlan, MirrorName, Segment};

use crate::contents::content_plans;
use crate::lost_lists::ask;
use crate::repair::{without, wrong_copies};
use crate::{Bases, Caller, ContentError, Contents, DeliverError};

/// Memory for the index of chunks across files.
const INDEX_BYTES: usize = 32 * 1024 * 1024;
/// Chunk lists of bases that are in memory for one recipe, in bytes.
const BASE_LIST_BYTES: usize = 16 * 1024 * 1024;
/// Shorter files hold no hole that is worth looking for.
const LEAST_SPARSE: u64 = 1024 * 1024;
/// Most segments of all recipes of a batch, about 45 bytes each. When they are used up, what follows is literal.
const MOST_BATCH_SEGMENTS: usize = 131_072;
/// How often a recipe is repaired before all of its content is sent.
const MOST_REPAIRS: u32 = 2;

/// Finds recipes for the contents of one round.
#[derive(Debug)]
pub struct Recipes<'a> {
    bases: &'a dyn Bases,
    /// Bytes of contents for which no copy is known so far.
    wanting: Mutex<u64>,
    index: OnceLock<Index>,
    repaired: Mutex<HashMap<ContentId, Repaired>>,
}

/// What is left of a recipe that was wrong.
#[derive(Debug, Clone, Default)]
struct Repaired {
    recipe: Vec<Segment>,
    times: u32,
}

impl<'a> Recipes<'a> {
    /// For one round.
    #[must_use]
    pub fn new(bases: &'a dyn Bases) -> Self {
        let (wanting, index, repaired) = (Mutex::default(), OnceLock::new(), Mutex::default());
        Self { bases, wanting, index, repaired }
    }

    /// Every distinct content that the changes name, in their order, with its recipe.
    ///
    /// # Errors
    /// Where the snapshot fails, or the receiver cannot be asked for lists that were lost.
    pub(crate) fn plans(
        &self,
        changes: &[Change],
        caller: &Caller,
        mirror: &MirrorName,
    ) -> Result<Vec<ContentPlan>, DeliverError> {
        let plans = content_plans(changes);
        let lost = self.lost(&plans).map_err(DeliverError::reading)?;
        for (content, list) in ask(caller, mirror, lost)? {
            self.bases.record(&content, &list).map_err(DeliverError::writing)?;
        }
        self.with_recipes(plans).map_err(DeliverError::reading)
    }

    /// The contents of the mirror that would be copied from if it were known how they are cut; and how they should be.
    fn lost(&self, plans: &[ContentPlan]) -> io::Result<HashMap<ContentId, Parameters>> {
        let mut lost = HashMap::new();
        for plan in plans {
            let Some(base) = self.bases.base_of(&plan.content).filter(|_| needs_list(plan.length)) else { continue };
            if self.repaired().contains_key(&plan.content) {
                continue;
            }
            let Some(new) = self.bases.list(&plan.content)? else { continue };
            if self.bases.list(&base)?.is_none_or(|list| list.parameters() != new.parameters()) {
                lost.insert(base, new.parameters());
            }
        }
        Ok(lost)
    }

    fn with_recipes(&self, mut plans: Vec<ContentPlan>) -> io::Result<Vec<ContentPlan>> {
        self.find_recipes(&mut plans)?;
        if self.is_index_worth_it(&plans)? {
            self.make_index()?;
            self.find_recipes(&mut plans)?;
        }
        Ok(plans)
    }

    /// With what is known now.
    fn find_recipes(&self, plans: &mut [ContentPlan]) -> io::Result<()> {
        let mut left = MOST_BATCH_SEGMENTS;
        for plan in plans {
            let recipe = self.recipe(&plan.content, plan.length)?;
            if let Some(rest) = left.checked_sub(recipe.len()) {
                (plan.recipe, left) = (recipe, rest);
            }
        }
        Ok(())
    }

    /// The receiver put a content together, and it is not what it should be. Whether it is worth proposing it again, with
    /// fewer copies: not where nothing was wrong with the copies, for then the source file has changed.
    ///
    /// # Errors
    /// Where the source file cannot be read.
    pub(crate) fn repair(
        &self,
        plan: &ContentPlan,
        mismatch: &Mismatch,
        contents: &dyn Contents,
    ) -> Result<bool, ContentError> {
        let wrong = wrong_copies(&plan.content, &mismatch.copied, contents)?;
        if wrong.is_empty() {
            return Ok(false);
        }
        tracing::debug!(content = %plan.content, copies = wrong.len(), "the mirror has other bytes than its chunk list says");
        self.forget_liars(plan, &wrong);
        let mut all = self.repaired();
        let repaired = all.entry(plan.content).or_default();
        repaired.times += 1;
        repaired.recipe = if repaired.times < MOST_REPAIRS { without(plan, &wrong) } else { Vec::new() };
        Ok(true)
    }

    /// The receiver has not got what the recipes of these contents copy from. Whether any of them copied: then they are
    /// all literal from now on.
    pub(crate) fn give_up_copies(&self, plans: &[ContentPlan]) -> bool {
        let copying = plans.iter().filter(|plan| plan.sources().next().is_some());
        let literal = copying.map(|plan| (plan.content, Repaired { recipe: Vec::new(), times: MOST_REPAIRS }));
        let mut all = self.repaired();
        let before = all.len();
        all.extend(literal);
        all.len() > before
    }

    fn recipe(&self, content: &ContentId, length: u64) -> io::Result<Vec<Segment>> {
        if let Some(repaired) = self.repaired().get(content) {
            return Ok(repaired.recipe.clone());
        }
        let base = self.bases.base_of(content);
        let is_hopeless = base.is_none() && length < LEAST_SPARSE && self.index.get().is_none_or(Index::is_empty);
        if !needs_list(length) || is_hopeless {
            return Ok(Vec::new());
        }
        // A list of another length than its content's would make a recipe that the receiver refuses.
        let Some(new) = self.bases.list(content)?.filter(|list| list.length() == length) else {
            return Ok(Vec::new());
        };
        let sources = self.sources(&new, base)?;
        let bases: Vec<_> = sources.iter().map(|(content, list)| Base { content: *content, list }).collect();
        Ok(recipe(&new, &bases))
    }

    /// The contents that `new` may be copied from: what the mirror has at its place, then whatever shares chunks with it
    /// that this has not.
    fn sources(&self, new: &ChunkList, base: Option<ContentId>) -> io::Result<Vec<(ContentId, ChunkList)>> {
        let mut sources = Vec::new();
        if let Some(base) = base
            && let Some(list) = self.bases.list(&base)?.filter(|list| list.parameters() == new.parameters())
        {
            sources.push((base, list));
        }
        let known: HashSet<Chunk> = sources.iter().flat_map(|(_, list)| list.iter()).collect();
        let missing = new.iter().filter(|chunk| !known.contains(chunk));
        let candidates = self.index.get().map(|index| index.candidates(missing)).unwrap_or_default();
        let mut room = BASE_LIST_BYTES;
        for number in candidates {
            let Some((content, list)) = self.bases.list_numbered(number)? else { continue };
            let Some(left) = room.checked_sub(list.as_bytes().len()) else { break };
            room = left;
            sources.push((content, list));
        }
        Ok(sources)
    }

    /// Making the index reads all lists: that is worth it once more bytes than these would be sent otherwise.
    fn is_index_worth_it(&self, plans: &[ContentPlan]) -> io::Result<bool> {
        let more = plans.iter().flat_map(ContentPlan::literals).map(|literal| literal.length);
        let mut wanting = self.wanting.lock().expect("no holder of this lock panics");
        *wanting = wanting.saturating_add(more.fold(0, u64::saturating_add));
        Ok(self.index.get().is_none() && *wanting >= self.bases.list_bytes()?)
    }

    fn make_index(&self) -> io::Result<()> {
        let mut index = Index::within(INDEX_BYTES);
        self.bases.each_acknowledged(&mut |number, list| index.add(number, list))?;
        self.index.get_or_init(|| index.sealed());
        Ok(())
    }

    /// Forgets the lists of what was copied wrongly. Where that fails, the same is found out once more.
    fn forget_liars(&self, plan: &ContentPlan, wrong: &BTreeSet<u64>) {
        let wrong = plan.segments().filter(|(range, _)| wrong.contains(&range.offset));
        for content in wrong.filter_map(|(_, segment)| segment.source()) {
            if let Err(error) = self.bases.forget(&content) {
                tracing::debug!(%content, %error, "its chunk list stays");
            }
        }
    }

    fn repaired(&self) -> MutexGuard<'_, HashMap<ContentId, Repaired>> {
        self.repaired.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
#[path = "recipes_tests.rs"]
mod tests;
