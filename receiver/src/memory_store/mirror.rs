//! One mirror as a list of trees.

use std::collections::BTreeMap;

use protocol::wire::{
    ChangeCounts, ChangesPage, ChangesSince, Claim, Claimed, Contact, ContactReply, EntriesPage, ListAt, Listed,
    ReadAt, Round, Source, TakeOver, TakenOver,
};
use protocol::{Change, ChangeKind, Entry, Head, Lineage, Problem, ProblemCode, RelPath, Timestamp, Tree};

use crate::memory_store::difference::difference;
use crate::memory_store::past::{Things, things_after};
use crate::store::page::{PageBudget, changes_page, entry_bytes};
use crate::store::proposal::{OpenProposals, Proposal};
use crate::store::rules::{
    ClaimVerdict, brake_window_start, head_moved, judge_claim, judge_heir, malformed, no_revision,
};

#[derive(Debug)]
pub(super) struct Mirror {
    pub(super) source: Option<Source>,
    /// Revision `n` at place `n`; never empty.
    pub(super) revisions: Vec<Revision>,
    /// How many things there ever were.
    things: u64,
    superseded: BTreeMap<Lineage, u64>,
    pub(super) proposals: OpenProposals,
}

#[derive(Debug)]
pub(super) struct Revision {
    pub(super) head: Head,
    lineage: Option<Lineage>,
    pub(super) round: Option<Round>,
    pub(super) committed_at: Timestamp,
    pub(super) counts: ChangeCounts,
    /// How many files ceased to exist by it.
    ended_files: u64,
    pub(super) tree: Tree,
    pub(super) things: Things,
}

impl Mirror {
    pub(super) fn new() -> Self {
        let genesis = Revision {
            head: Head::genesis(),
            lineage: None,
            round: None,
            committed_at: Timestamp::from_nanos(i64::MIN),
            counts: ChangeCounts::default(),
            ended_files: 0,
            tree: Tree::new(),
            things: Things::new(),
        };
        Self {
            source: None,
            revisions: vec![genesis],
            things: 0,
            superseded: BTreeMap::new(),
            proposals: OpenProposals::default(),
        }
    }

    /// Where a mirror stands that does not exist.
    pub(super) fn nobody_claimed(request: &Contact) -> ContactReply {
        Self::new().contact(request, Timestamp::default())
    }

    fn last(&self) -> &Revision {
        self.revisions.last().expect("the genesis is always there")
    }

    pub(super) fn head(&self) -> Head {
        self.last().head
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.last().tree
    }

    pub(super) fn superseded_at(&self, lineage: Lineage) -> Option<u64> {
        self.superseded.get(&lineage).copied()
    }

    /// Revision times never go back.
    pub(super) fn append(&mut self, proposal: &Proposal, lineage: Lineage, tree: Tree, now: Timestamp) {
        let mut next = self.things;
        let things = things_after(&self.last().things, &proposal.changes, &tree, &mut next);
        self.things = next;
        self.revisions.push(Revision {
            head: proposal.result,
            lineage: Some(lineage),
            round: Some(proposal.round),
            counts: counts(&proposal.changes),
            committed_at: now.max(self.last().committed_at),
            ended_files: self.tree().ended_by(&proposal.changes, &tree),
            tree,
            things,
        });
    }

    fn ended_files_since(&self, since: Timestamp) -> u64 {
        let counted = self.revisions.iter().filter(|revision| revision.committed_at > since);
        counted.map(|revision| revision.ended_files).sum()
    }

    pub(super) fn revision(&self, number: u64) -> Option<&Revision> {
        usize::try_from(number).ok().and_then(|number| self.revisions.get(number))
    }

    fn in_chain(&self, head: Head) -> bool {
        self.revision(head.number).is_some_and(|revision| revision.head == head)
    }

    pub(super) fn contact(&self, request: &Contact, now: Timestamp) -> ContactReply {
        ContactReply {
            head: self.head(),
            head_lineage: self.last().lineage,
            in_chain: self.in_chain(request.head),
            superseded_at: self.superseded_at(request.lineage),
            source: self.source.clone(),
            wanted: Vec::new(),
            is_empty: self.tree().is_empty(),
            ended_files: self.ended_files_since(brake_window_start(now)),
            files: self.tree().files(),
        }
    }

    pub(super) fn claim(&mut self, request: &Claim) -> Result<Claimed, Problem> {
        let verdict = judge_claim(&request.mirror, self.source.as_ref(), &request.source, request.replaces.as_ref())?;
        if verdict == ClaimVerdict::Record {
            self.source = Some(request.source.clone());
        }
        Ok(Claimed {})
    }

    pub(super) fn take_over(&mut self, request: &TakeOver) -> Result<TakenOver, Problem> {
        if !self.in_chain(request.fork) {
            return Err(head_moved(&request.mirror, self.head(), request.fork));
        }
        judge_heir(request.lineage, |lineage| self.superseded_at(lineage))?;
        let past_fork = self.revisions.iter().filter(|revision| revision.head.number > request.fork.number);
        let writers: Vec<Lineage> = past_fork.filter_map(|revision| revision.lineage).chain(request.former).collect();
        for former in writers.into_iter().filter(|former| *former != request.lineage) {
            let fork = self.superseded.entry(former).or_insert(request.fork.number);
            *fork = request.fork.number.min(*fork);
        }
        Ok(TakenOver {})
    }

    pub(super) fn changes_since(&self, request: &ChangesSince) -> Result<ChangesPage, Problem> {
        if !self.in_chain(request.since) {
            return Err(head_moved(&request.mirror, self.head(), request.since));
        }
        let number = request.until.unwrap_or(self.head().number);
        let until = self.revision(number).ok_or_else(|| no_revision(&request.mirror, number))?;
        if number < request.since.number {
            return Err(malformed("changes lead from a revision to a later one"));
        }
        let since = self.revision(request.since.number).expect("it lies in the chain");
        let changes = difference(&since.tree, &until.tree);
        let (changes, more) = changes_page(changes, request.skip);
        Ok(ChangesPage { until: until.head, changes, more })
    }

    pub(super) fn list_at(&self, request: &ListAt) -> Result<EntriesPage, Problem> {
        let number = request.revision.unwrap_or(self.head().number);
        let revision = self.revision(number).ok_or_else(|| no_revision(&request.mirror, number))?;
        let root = Listed { path: RelPath::root(), entry: Entry::Directory { metadata: revision.tree.root().clone() } };
        let below = revision.tree.iter().map(|(path, entry)| Listed { path: path.clone(), entry: entry.clone() });
        let mut rest = std::iter::once(root)
            .chain(below)
            .filter(|listed| request.after.as_ref().is_none_or(|after| listed.path > *after))
            .peekable();
        let mut budget = PageBudget::new();
        let mut entries = Vec::new();
        while let Some(listed) = rest.next_if(|listed| budget.take(entry_bytes(&listed.path, &listed.entry))) {
            entries.push(listed);
        }
        Ok(EntriesPage { revision: revision.head, entries, more: rest.peek().is_some() })
    }

    pub(super) fn entry_at(&self, request: &ReadAt) -> Result<Entry, Problem> {
        let number = request.revision.unwrap_or(self.head().number);
        let revision = self.revision(number).ok_or_else(|| no_revision(&request.mirror, number))?;
        let entry = if request.path.is_root() { None } else { revision.tree.get(&request.path) };
        entry.cloned().ok_or_else(|| {
            Problem::new(ProblemCode::NotFound, format!("revision {number} has no file {}", request.path))
        })
    }
}

/// How many changes of each kind there are.
fn counts(changes: &[Change]) -> ChangeCounts {
    let count = |kind| changes.iter().filter(|change| change.kind() == kind).count() as u64;
    ChangeCounts {
        created: count(ChangeKind::Create),
        modified: count(ChangeKind::Modify),
        metadata: count(ChangeKind::Metadata),
        deleted: count(ChangeKind::Delete),
        moved: count(ChangeKind::Move),
        replaced: count(ChangeKind::Replace),
    }
}
