//! A client as simple as can be: proposes, fills what is missing, commits.

use std::collections::BTreeMap;

use protocol::limits::MAX_FRAME_BYTES;
use protocol::wire::{
    ChangesSince, Claim, Commit, Committed, Compression, Contact, ContactReply, Fill, Filled, ListAt, Missing, Propose,
    Proposed, ReadAt, Round, Source,
};
use protocol::{
    ByteRange, Change, ClientName, ContentId, ContentPlan, Entry, Head, Kind, Lineage, LinkTarget, Metadata,
    MirrorName, Piece, Problem, ProblemCode, RelPath, RoundId, Segment, Timestamp, Tree,
};

use crate::retention::AtCeiling;
use crate::store::Store;

/// Who talks to a store.
pub(crate) struct Peer<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) client: ClientName,
    pub(crate) mirror: MirrorName,
    pub(crate) lineage: Lineage,
    /// Everything it could send.
    pub(crate) contents: BTreeMap<ContentId, Vec<u8>>,
}

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

pub(crate) fn lineage(number: u8) -> Lineage {
    Lineage::from_bytes([number; 16])
}

pub(crate) fn source(at: &str) -> Source {
    Source { path: at.as_bytes().to_vec().into(), identity: b"fs 1 inode 2".to_vec().into(), host: "host".to_owned() }
}

/// Metadata that differs by number.
pub(crate) fn metadata(number: u16) -> Metadata {
    Metadata {
        mode: 0o600 + number % 8,
        mtime: Timestamp::from_parts(1_600_000_000 + i64::from(number), 123_456_789),
        uid: u32::from(number),
        gid: 1,
        attributes: Vec::new(),
    }
}

pub(crate) fn directory() -> Entry {
    Entry::Directory { metadata: metadata(7) }
}

pub(crate) fn link(target: &str) -> Entry {
    let target = LinkTarget::parse(target.as_bytes()).expect("valid in this test");
    Entry::Symlink { metadata: Metadata { mode: 0o777, ..metadata(0) }, target }
}

pub(crate) fn file(content: impl AsRef<[u8]>) -> Entry {
    let content = content.as_ref();
    Entry::File { metadata: metadata(1), size: content.len() as u64, content: ContentId::of(content) }
}

pub(crate) fn create(at: &str, entry: Entry) -> Change {
    Change::Create { path: path(at), entry }
}

pub(crate) fn modify(at: &str, entry: Entry) -> Change {
    Change::Modify { path: path(at), entry }
}

pub(crate) fn replace(at: &str, entry: Entry) -> Change {
    Change::Replace { path: path(at), entry }
}

pub(crate) fn moved(from: &str, to: &str, entry: Entry) -> Change {
    Change::Move { from: path(from), to: path(to), entry }
}

pub(crate) fn delete(at: &str) -> Change {
    Change::Delete { path: path(at) }
}

/// Which problem an answer is.
pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Problem>) -> ProblemCode {
    answer.expect_err("must be a problem").code
}

impl<'a> Peer<'a> {
    /// A client with a claimed mirror.
    pub(crate) fn new(store: &'a dyn Store) -> Self {
        let peer = Self::stranger(store);
        peer.store.claim(&peer.client, &peer.claim("/source", None)).expect("nobody claimed it before");
        peer
    }

    /// A client without a mirror.
    pub(crate) fn stranger(store: &'a dyn Store) -> Self {
        let mirror = MirrorName::parse("Bücher".as_bytes()).expect("a valid name");
        let client = ClientName::parse("laptop").expect("a valid name");
        Self { store, client, mirror, lineage: lineage(1), contents: BTreeMap::new() }
    }

    /// Knows a content, so that it can send it.
    pub(crate) fn knows(&mut self, content: impl AsRef<[u8]>) -> ContentId {
        let id = ContentId::of(content.as_ref());
        self.contents.insert(id, content.as_ref().to_vec());
        id
    }

    /// A file whose content it knows.
    pub(crate) fn file(&mut self, content: impl AsRef<[u8]>) -> Entry {
        self.knows(content.as_ref());
        file(content)
    }

    pub(crate) fn claim(&self, at: &str, replaces: Option<&str>) -> Claim {
        Claim { mirror: self.mirror.clone(), source: source(at), replaces: replaces.map(source) }
    }

    pub(crate) fn contact_at(&self, head: Head) -> ContactReply {
        let request = Contact { mirror: self.mirror.clone(), lineage: self.lineage, head };
        self.store.contact(&self.client, &request).expect("contact is always answered")
    }

    pub(crate) fn head(&self) -> Head {
        self.contact_at(Head::genesis()).head
    }

    /// Plans for everything the changes name: all literal.
    pub(crate) fn plans(&self, changes: &[Change]) -> Vec<ContentPlan> {
        let named: BTreeMap<ContentId, u64> = changes.iter().filter_map(|change| change.entry()?.content()).collect();
        named.into_iter().map(|(content, length)| ContentPlan { content, length, recipe: Vec::new() }).collect()
    }

    pub(crate) fn proposal(&self, base: Head, changes: &[Change], contents: Vec<ContentPlan>) -> Propose {
        Propose {
            mirror: self.mirror.clone(),
            base,
            lineage: self.lineage,
            round: Round { id: RoundId::from_bytes([3; 16]), started: Timestamp::from_nanos(5) },
            changes: changes.to_vec(),
            contents,
        }
    }

    pub(crate) fn propose_on(&self, base: Head, changes: &[Change]) -> Result<Proposed, Problem> {
        self.store.propose(&self.client, &self.proposal(base, changes, self.plans(changes)))
    }

    /// Proposes with recipes on the head, and must be told what is missing.
    pub(crate) fn open(&self, changes: &[Change], contents: Vec<ContentPlan>) -> Vec<Missing> {
        let request = self.proposal(self.head(), changes, contents);
        match self.store.propose(&self.client, &request) {
            Ok(Proposed::Open { missing, .. }) => missing,
            other => panic!("must open: {other:?}"),
        }
    }

    pub(crate) fn commit_request(&self, base: Head, changes: &[Change]) -> Commit {
        Commit { mirror: self.mirror.clone(), proposal: base.after(changes).digest, lineage: self.lineage }
    }

    /// Commits an open proposal on a base.
    pub(crate) fn commit_on(&self, base: Head, changes: &[Change]) -> Result<Committed, Problem> {
        self.store.commit(&self.client, &self.commit_request(base, changes), AtCeiling::GiveUpOldest)
    }

    /// Sends pieces of a content.
    pub(crate) fn fill(&self, base: Head, changes: &[Change], pieces: &[(Piece, &[u8])]) -> Result<Filled, Problem> {
        let bytes: Vec<u8> = pieces.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
        let request = Fill {
            mirror: self.mirror.clone(),
            proposal: base.after(changes).digest,
            pieces: pieces.iter().map(|(piece, _)| *piece).collect(),
            compression: Compression::Zstd,
            data: zstd::bulk::compress(&bytes, 1).expect("compresses in memory").into(),
        };
        self.store.fill(&self.client, &request)
    }

    /// Sends all that is missing, several pieces a frame.
    pub(crate) fn fill_missing(&self, base: Head, changes: &[Change], plans: &[ContentPlan], missing: &[Missing]) {
        let mut frame: Vec<(Piece, &[u8])> = Vec::new();
        let mut room = MAX_FRAME_BYTES;
        for (index, plan, range) in missing.iter().flat_map(|missing| ranges(plans, missing)) {
            let content = &self.contents[&plan.content];
            let mut at = range.offset;
            while at < range.offset + range.length {
                let take = (range.offset + range.length - at).min(room as u64);
                let bytes = &content[usize_of(at)..usize_of(at + take)];
                frame.push((Piece { index, offset: at, length: take }, bytes));
                at += take;
                room -= usize_of(take);
                if room == 0 || frame.len() == 1000 {
                    self.fill(base, changes, &frame).expect("honest pieces are taken");
                    frame.clear();
                    room = MAX_FRAME_BYTES;
                }
            }
        }
        let filled = self.fill(base, changes, &frame).expect("honest pieces are taken");
        assert_eq!(filled.mismatched, []);
    }

    /// Delivers a batch on the head, whole.
    pub(crate) fn deliver(&self, changes: &[Change]) -> Head {
        let base = self.head();
        let plans = self.plans(changes);
        let missing = self.open(changes, plans.clone());
        self.fill_missing(base, changes, &plans, &missing);
        match self.commit_on(base, changes) {
            Ok(Committed::Durable { head, .. }) => {
                assert_eq!(head, base.after(changes));
                head
            }
            other => panic!("must be durable: {other:?}"),
        }
    }

    /// The tree at a revision, all pages.
    pub(crate) fn tree_at(&self, revision: u64) -> Tree {
        let mut tree = Tree::new();
        let mut after = None;
        loop {
            let request = ListAt { mirror: self.mirror.clone(), revision: Some(revision), after };
            let page = self.store.list_at(&self.client, &request).expect("the revision is there");
            assert_eq!(page.revision.number, revision);
            assert!(page.entries.is_sorted_by(|a, b| a.path < b.path), "sorted, nothing twice");
            after = page.entries.last().map(|listed| listed.path.clone());
            for listed in page.entries {
                if listed.path.is_root() {
                    assert_eq!(listed.entry.kind(), Kind::Directory);
                    tree.set_root(listed.entry.metadata().clone());
                } else {
                    tree.insert(listed.path, listed.entry);
                }
            }
            if !page.more {
                return tree;
            }
        }
    }

    /// The difference of two revisions, all pages.
    pub(crate) fn changes_between(&self, since: Head, until: u64) -> Vec<Change> {
        let mut changes = Vec::new();
        loop {
            let skip = changes.len() as u64;
            let request = ChangesSince { mirror: self.mirror.clone(), since, until: Some(until), skip };
            let page = self.store.changes_since(&self.client, &request).expect("both are in the chain");
            assert_eq!(page.until.number, until);
            changes.extend(page.changes);
            if !page.more {
                return changes;
            }
        }
    }

    /// A whole file at a revision.
    pub(crate) fn read(&self, revision: u64, at: &str) -> Result<Vec<u8>, Problem> {
        self.read_path(revision, &path(at))
    }

    pub(crate) fn read_path(&self, revision: u64, at: &RelPath) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        loop {
            let range = ByteRange { offset: bytes.len() as u64, length: u64::MAX };
            let mirror = self.mirror.clone();
            let request = ReadAt { mirror, revision: Some(revision), path: at.clone(), range, suspect: false };
            let page = self.store.read_at(&self.client, &request)?;
            if page.data.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&page.data);
        }
    }
}

fn ranges<'p>(
    plans: &'p [ContentPlan],
    missing: &'p Missing,
) -> impl Iterator<Item = (u32, &'p ContentPlan, ByteRange)> {
    let plan = &plans[usize_of(u64::from(missing.index))];
    missing.ranges.iter().map(move |range| (missing.index, plan, *range))
}

pub(crate) fn usize_of(number: u64) -> usize {
    usize::try_from(number).expect("small in this test")
}

/// A plan with one recipe.
pub(crate) fn recipe(content: &[u8], segments: &[Segment]) -> ContentPlan {
    ContentPlan { content: ContentId::of(content), length: content.len() as u64, recipe: segments.to_vec() }
}
