//! Mending: what is damaged is told, what came for it is put in its place.

use std::collections::HashSet;

use protocol::limits::MAX_WANTED;
use protocol::wire::{Mend, Mended, Mismatch, Wanted};
use protocol::{ContentId, ContentPlan, Problem};

use crate::catalog::{DamageKey, Place, Row};
use crate::store::proposal::{FirstUse, Proposal, missing_of};
use crate::store::rules::judge_writer;
use crate::tree_store::assemble::MAX_ASSEMBLED_BYTES;
use crate::tree_store::client::ClientStore;
use crate::tree_store::delivery::Lacking;
use crate::tree_store::mirror::Mirror;
use crate::tree_store::problems::disk;
use crate::tree_store::put_right::{Amends, DamagedVersion};
use crate::tree_store::room::Needs;
use crate::tree_store::staging::lock;

/// Most files that one request puts right.
const MAX_PLACES: u32 = 1_000;

/// Damaged files whose contents are here.
#[derive(Debug, Default)]
struct Mendable {
    amends: Amends,
    versions: Vec<DamagedVersion>,
    bytes: u64,
    /// Whether there are more than one request does.
    more: bool,
}

impl ClientStore {
    pub(super) fn mend(&self, request: &Mend, min_free: u64) -> Result<Mended, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let _alone = mirror.alone();
        self.redo(&mirror)?;
        let head = self.catalog().head(mirror.id)?.0;
        judge_writer(head, self.catalog().superseded_at(mirror.id, request.lineage)?)?;
        let _turn = self.turn();
        let damaged = self.damaged_among(&mirror, &request.contents)?;
        let usage = |plan: &ContentPlan| damaged_use(&damaged, plan.content);
        let proposal = Proposal::mending(request, usage)?;
        let is_wanted = |plan: &ContentPlan| -> Result<bool, Problem> {
            let row =
                damaged.iter().find(|row| row.entry.content().is_some_and(|(content, _)| content == plan.content));
            Proposal::is_held(plan, row.and_then(|row| row.entry.content()).map(|(_, size)| size))
        };
        let mut needs = Needs::default();
        let missing = missing_of(&proposal, |plan| {
            let lacking = if is_wanted(plan)? { self.lacking(plan)? } else { Lacking::default() };
            needs.add(plan.content, lacking.room());
            Ok(lacking.literals)
        })?;
        self.check_room(&[], &needs, min_free)?;
        let mut mismatched = Vec::new();
        for (index, plan) in (0u32..).zip(&proposal.contents) {
            let is_missing = missing.iter().any(|missing| missing.index == index);
            if !is_missing && is_wanted(plan)? {
                mismatched.extend(self.make_whole(plan)?.map(|copied| Mismatch { index, copied }));
            }
        }
        let digest = proposal.result.digest;
        if !missing.is_empty() {
            mirror.proposals().keep(proposal.into(), self.clock.since_boot());
        }
        let (places, more) = self.mend_what_is_here(&mirror, request)?;
        let wanted = self.wanted_after(&mirror, request.after)?;
        Ok(Mended { proposal: digest, missing, mismatched, places, wanted, more })
    }

    /// A damaged row for each of these contents that has one.
    fn damaged_among(&self, mirror: &Mirror, contents: &[ContentPlan]) -> Result<Vec<Row>, Problem> {
        let catalog = self.catalog();
        let mut rows = Vec::new();
        for plan in contents {
            for (_, key) in catalog.damage_of(mirror.id, plan.content, 1)? {
                rows.extend(catalog.damaged_row(key)?.map(|(row, _)| row));
            }
        }
        Ok(rows)
    }

    fn wanted_after(&self, mirror: &Mirror, after: Option<ContentId>) -> Result<Vec<Wanted>, Problem> {
        let wanted = self.catalog().wanted(mirror.id, after, MAX_WANTED)?;
        let told = wanted.into_iter().filter_map(|(content, row, place)| match place {
            Place::Mirror(_, path) => Some(Wanted { content, length: row.entry.content()?.1, path }),
            Place::Version(..) => None,
        });
        Ok(told.collect())
    }

    /// Puts right damaged files whose contents are staged, or whole in another place. Those offered; or if none are,
    /// those after the content that the request names.
    fn mend_what_is_here(&self, mirror: &Mirror, request: &Mend) -> Result<(u64, bool), Problem> {
        let is_page = |found: &Vec<(ContentId, DamageKey)>| found.len() as u64 >= u64::from(MAX_PLACES);
        let mut damage = Vec::new();
        if request.contents.is_empty() {
            damage = self.catalog().damage_after(mirror.id, request.after, MAX_PLACES)?;
        }
        let mut is_cut = is_page(&damage);
        for plan in &request.contents {
            let found = self.catalog().damage_of(mirror.id, plan.content, MAX_PLACES)?;
            is_cut |= is_page(&found);
            damage.extend(found);
        }
        let Mendable { amends, versions, more, .. } = self.mendable(damage)?;
        let more = more || is_cut;
        let mut places = self.put_right(mirror, amends)?.files;
        for version in &versions {
            places += u64::from(self.put_version_right(version)?);
        }
        if places > 0 {
            tracing::info!(mirror = %mirror.name, places, "damaged files were put right");
        }
        Ok((places, more && places > 0))
    }

    fn mendable(&self, damage: Vec<(ContentId, DamageKey)>) -> Result<Mendable, Problem> {
        let mut mendable = Mendable::default();
        let mut ready: Option<(ContentId, bool)> = None;
        let mut seen = HashSet::new();
        for (content, key) in damage {
            let found = self.catalog().damaged_row(key)?;
            let Some((row, place)) = found else {
                // Its bytes were not kept: nothing is left to put right.
                mendable.amends.healed.push((content, key));
                continue;
            };
            let is_ready = match ready {
                Some((last, is_ready)) if last == content => is_ready,
                _ => ready.insert((content, self.is_here(content)?)).1,
            };
            if !is_ready {
                continue;
            }
            let is_full = mendable.bytes > MAX_ASSEMBLED_BYTES || seen.len() as u64 >= u64::from(MAX_PLACES);
            if is_full {
                mendable.more = true;
                break;
            }
            mendable.bytes = mendable.bytes.saturating_add(row.entry.content().map_or(0, |(_, size)| size));
            let is_new = seen.insert((row.node, row.from));
            match place {
                Place::Mirror(_, path) => {
                    mendable.amends.healed.push((content, key));
                    mendable.amends.anew.extend(is_new.then_some((row, path)));
                }
                Place::Version(version, path) => {
                    mendable.versions.push(DamagedVersion { row, version, path, key: (content, key) });
                }
            }
        }
        Ok(mendable)
    }

    /// Whether a content is staged whole, or in a place that is not known to be damaged.
    fn is_here(&self, content: ContentId) -> Result<bool, Problem> {
        if let Some(slot) = self.staging.existing(content) {
            let mut staged = lock(&slot);
            staged.look(&self.staging, content).map_err(disk("look at what is staged"))?;
            if staged.whole_length().is_some() {
                return Ok(true);
            }
        }
        let catalog = self.catalog();
        for row in catalog.rows_with(content)? {
            if !catalog.is_damaged(&row)? && catalog.place_of(&row)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// How a file with a wanted content will look: most have just one place.
fn damaged_use(damaged: &[Row], content: ContentId) -> FirstUse {
    let row = damaged.iter().find(|row| row.entry.content().is_some_and(|(id, _)| id == content));
    row.map_or_else(FirstUse::default, |row| {
        let metadata = row.entry.metadata();
        FirstUse { mode: metadata.mode, mtime: metadata.mtime }
    })
}
