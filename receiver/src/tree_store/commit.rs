//! Committing a batch: planned, staged, durable; decided by one catalog transaction; done by steps.

use std::collections::HashMap;

use protocol::limits::MAX_WANTED;
use protocol::wire::{Commit, Committed, Mismatch, Missing};
use protocol::{Change, ContentId, Head, Kind, Lineage, Problem, ProblemCode, Refused, Timestamp};

use crate::catalog::{Batch, Closing, Disk, Node, Opening, RevisionRecord};
use crate::retention::{AtCeiling, Retention};
use crate::store::proposal::{Proposal, missing_of};
use crate::store::rules::{head_moved, judge_writer, unknown_proposal};
use crate::tree_store::client::ClientStore;
use crate::tree_store::examine::examine;
use crate::tree_store::instances::{Instances, whole};
use crate::tree_store::mirror::Mirror;
use crate::tree_store::plan::{Plan, Touched};
use crate::tree_store::problems::disk;
use crate::tree_store::redo::Attempt;
use crate::tree_store::redo_log;
use crate::tree_store::sequence::{Found, Sequence, sequence};

/// What a commit is made of, once everything it needs is on disk.
struct Ready<'a> {
    mirror: &'a Mirror,
    proposal: &'a Proposal,
    lineage: Lineage,
    retention: &'a Retention,
    at_ceiling: AtCeiling,
    plan: Plan,
    found: HashMap<Node, Found>,
    instances: Instances,
}

impl ClientStore {
    pub(super) fn commit(
        &self,
        request: &Commit,
        retention: &Retention,
        at_ceiling: AtCeiling,
    ) -> Result<Committed, Problem> {
        let mirror = self.mirror(&request.mirror)?;
        let _alone = mirror.alone();
        self.redo(&mirror)?;
        let head = self.catalog().head(mirror.id)?.0;
        if head.digest == request.proposal {
            return self.durable(&mirror, head);
        }
        let open = mirror.proposals().find(request.proposal);
        let proposal = open.ok_or_else(|| unknown_proposal(&request.mirror))?;
        judge_writer(proposal.base, self.catalog().superseded_at(mirror.id, request.lineage)?)?;
        if proposal.base != head {
            return Err(head_moved(&request.mirror, head, proposal.base));
        }
        self.apply(&mirror, &proposal, request.lineage, (retention, at_ceiling))
    }

    fn durable(&self, mirror: &Mirror, head: Head) -> Result<Committed, Problem> {
        Ok(Committed::Durable { head, wanted: self.wanted(mirror)? })
    }

    /// Contents of a mirror's files that were found damaged, and not yet sent again.
    pub(super) fn wanted(&self, mirror: &Mirror) -> Result<Vec<ContentId>, Problem> {
        let wanted = self.catalog().wanted(mirror.id, None, MAX_WANTED)?;
        Ok(wanted.into_iter().map(|(content, ..)| content).collect())
    }

    fn want_node(&self, node: Node) -> Result<(), Problem> {
        let mut catalog = self.catalog();
        let Some(row) = catalog.newest_of(node)? else { return Ok(()) };
        Ok(catalog.want(&row, self.now())?)
    }

    fn apply(
        &self,
        mirror: &Mirror,
        proposal: &Proposal,
        lineage: Lineage,
        (retention, at_ceiling): (&Retention, AtCeiling),
    ) -> Result<Committed, Problem> {
        let _turn = self.turn();
        let mut plan = match self.plan(mirror, proposal)? {
            Ok(plan) => plan,
            Err(refused) => return Ok(Committed::Refused { refused }),
        };
        let found = self.look_at_disk(mirror, &plan)?;
        renew_what_is_not_ours(&mut plan, &found);
        let (missing, mismatched) = self.make_contents_whole(proposal, &plan)?;
        if !missing.is_empty() {
            return Ok(Committed::Incomplete { missing, mismatched });
        }
        if !mismatched.is_empty() {
            return self.ask_for_literals(mirror, proposal, mismatched);
        }
        match self.make_instances(&plan)? {
            Ok(instances) => {
                self.decide(Ready { mirror, proposal, lineage, retention, at_ceiling, plan, found, instances })
            }
            Err(damaged) => self.ask_again(mirror, proposal, &damaged),
        }
    }

    fn plan(&self, mirror: &Mirror, proposal: &Proposal) -> Result<Result<Plan, Vec<Refused>>, Problem> {
        let planned = self
            .catalog()
            .together(|catalog| Plan::make(catalog, mirror.root, &proposal.changes, &mut || self.new_node()))?;
        let not_storable = self.not_storable(&proposal.changes)?;
        Ok(if planned.is_ok() && !not_storable.is_empty() { Err(not_storable) } else { planned })
    }

    fn look_at_disk(&self, mirror: &Mirror, plan: &Plan) -> Result<HashMap<Node, Found>, Problem> {
        let number = self.catalog().head(mirror.id)?.0.number;
        let root = self.open_root(mirror, &mut |path| self.take_foreign(mirror, number, path, None));
        root.and_then(|root| examine(&root, plan)).map_err(disk("look at the mirror's files"))
    }

    /// Copies came out wrong: without a better proposal, literals must do.
    fn ask_for_literals(
        &self,
        mirror: &Mirror,
        proposal: &Proposal,
        mismatched: Vec<Mismatch>,
    ) -> Result<Committed, Problem> {
        let wrong: Vec<u32> = mismatched.iter().map(|mismatch| mismatch.index).collect();
        let literal = mirror.proposals().demand_literals(proposal, wrong.iter().copied(), self.clock.since_boot());
        let mut missing = Vec::new();
        for index in wrong {
            let Some(plan) = literal.plan(index) else { continue };
            missing.push(Missing { index, ranges: self.lacking(plan)?.literals });
        }
        Ok(Committed::Incomplete { missing, mismatched })
    }

    /// Contents that are damaged wherever they are held must come anew.
    fn ask_again(&self, mirror: &Mirror, proposal: &Proposal, damaged: &[ContentId]) -> Result<Committed, Problem> {
        for content in damaged {
            self.catalog().want_everywhere(*content, self.now())?;
        }
        let missing = missing_of(proposal, |plan| {
            Ok(if damaged.contains(&plan.content) { vec![whole(plan.length)] } else { Vec::new() })
        })?;
        let wrong = missing.iter().map(|missing| missing.index);
        mirror.proposals().demand_literals(proposal, wrong, self.clock.since_boot());
        Ok(Committed::Incomplete { missing, mismatched: Vec::new() })
    }

    /// The point of no return, and what follows from it.
    fn decide(&self, ready: Ready<'_>) -> Result<Committed, Problem> {
        let result = ready.proposal.result;
        let made = &ready.instances.made;
        let sequence = sequence(&ready.plan, result.number, &ready.found, made, &mut || self.new_version());
        let batch = self.batch(&ready, &sequence)?;
        if let Err(problem) = self.make_room_for(&batch, ready.retention, ready.at_ceiling) {
            self.discard(ready.instances);
            return Err(problem);
        }
        let _in_motion = ready.mirror.in_motion();
        let committed = self.catalog().commit(&batch);
        if let Err(error) = committed {
            // An error may also have come after the decision: the catalog knows.
            if self.catalog().head(ready.mirror.id)?.0 != result {
                self.discard(ready.instances);
                return Err(error.into());
            }
        }
        ready.mirror.proposals().close(result.digest);
        self.finish(ready.mirror, result.number, &sequence.steps, Attempt::First)?;
        for node in gone_in_place(&ready) {
            self.want_node(node)?;
        }
        self.durable(ready.mirror, result)
    }

    /// Room under the ceiling of history for what a batch sends there. Where history may go for that, a failure is no
    /// reason not to take the batch.
    fn make_room_for(&self, batch: &Batch, retention: &Retention, at_ceiling: AtCeiling) -> Result<(), Problem> {
        let Some(ceiling) = retention.keep_size else { return Ok(()) };
        let bytes = self.catalog().bytes_of(&batch.versions).map_err(Problem::from);
        match at_ceiling {
            AtCeiling::Refuse => self.refuse_past_ceiling(bytes?, ceiling),
            AtCeiling::GiveUpOldest => {
                if let Err(problem) = bytes.and_then(|bytes| self.make_room_in_history(retention, bytes)) {
                    tracing::warn!(%problem, "history stays above its ceiling");
                }
                Ok(())
            }
        }
    }

    /// What sends nothing to the history is taken in any case.
    fn refuse_past_ceiling(&self, bytes: u64, ceiling: u64) -> Result<(), Problem> {
        let taken = self.catalog().history_bytes()?;
        if bytes == 0 || taken.saturating_add(bytes) <= ceiling {
            return Ok(());
        }
        let detail = format!(
            "old versions take {taken} of {ceiling} bytes, {bytes} more would be replaced or deleted, and an \
             append-only token makes no history go"
        );
        let hint = "`--keep-size` or `--client-keep-size` at the receiver gives the history more room";
        Err(Problem::new(ProblemCode::NoSpace, detail).with_hint(hint))
    }

    fn batch(&self, ready: &Ready<'_>, sequence: &Sequence) -> Result<Batch, Problem> {
        let (_, _, last_committed) = self.catalog().head(ready.mirror.id)?;
        let touched = &ready.plan.touched;
        let opening = |(node, touched): (&Node, &Touched)| opening(*node, touched, ready);
        Ok(Batch {
            mirror: ready.mirror.id,
            revision: RevisionRecord {
                head: ready.proposal.result,
                lineage: ready.lineage,
                round: ready.proposal.round,
                committed_at: self.now().max(last_committed),
                kinds: ready.proposal.changes.iter().map(Change::kind).collect(),
            },
            closings: touched.iter().filter_map(|(node, touched)| closing(*node, touched, sequence)).collect(),
            openings: touched.iter().filter_map(opening).collect(),
            versions: sequence.versions.clone(),
            steps: redo_log::to_rows(&sequence.steps),
            fresh: ready.instances.made.keys().copied().collect(),
            arrived: ready.instances.arrived(),
            next: self.next_numbers(),
        })
    }
}

/// What moves and is not there any more, or not as it was, is made anew from its content.
fn renew_what_is_not_ours(plan: &mut Plan, found: &HashMap<Node, Found>) {
    for (node, touched) in &mut plan.touched {
        let is_ours = matches!(found.get(node), None | Some(Found::Ours(_)));
        if !is_ours && touched.is_relocated() {
            touched.is_fresh = true;
        }
    }
}

/// Files that only got other metadata, and are not as they were.
fn gone_in_place(ready: &Ready<'_>) -> impl Iterator<Item = Node> {
    let stays = |touched: &&Touched| touched.base.is_some() && touched.result.is_some() && !touched.arrives();
    let in_place = ready.plan.touched.iter().filter(move |(_, touched)| stays(touched));
    let is_ours = |node: &Node| matches!(ready.found.get(node), None | Some(Found::Ours(_)));
    in_place.map(|(node, _)| *node).filter(move |node| !is_ours(node))
}

fn closing(node: Node, touched: &Touched, sequence: &Sequence) -> Option<Closing> {
    let row = touched.base.as_ref()?.row.clone();
    Some(Closing { row, version: sequence.version_of.get(&node).copied() })
}

fn opening(node: Node, touched: &Touched, ready: &Ready<'_>) -> Option<Opening> {
    let place = touched.result.as_ref()?;
    let disk = match (ready.instances.made.get(&node), ready.found.get(&node), &touched.base) {
        (Some(instance), _, _) => instance.disk,
        (None, Some(Found::Ours(disk)), _) if place.entry.kind() != Kind::Directory => {
            Disk { mtime: described_mtime(touched, disk.mtime), ..*disk }
        }
        (None, Some(Found::Ours(disk)), _) => *disk,
        (None, _, base) => base.as_ref()?.row.disk,
    };
    let (parent, name, entry) = (place.parent, place.name.clone(), place.entry.clone());
    Some(Opening { parent, name, node, entry, disk })
}

/// The mtime that a file or symlink will have once it is described.
fn described_mtime(touched: &Touched, found: Timestamp) -> Timestamp {
    let states = touched.base.as_ref().zip(touched.result.as_ref());
    let changed = states.filter(|(base, result)| base.row.entry.metadata() != result.entry.metadata());
    changed.map_or(found, |(_, result)| result.entry.metadata().mtime)
}
