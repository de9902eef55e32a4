//! Random histories, compared with the model at every revision.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use protocol::{Change, ClientName, ContentId, Entry, Head, Kind, Lineage, MirrorName, RelPath, Tree};

use crate::store::Store;
use crate::store::conformance::past::versions_are_right;
use crate::store::conformance::peer::{Peer, directory, file, link, metadata};

/// Names, few enough to collide.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// Contents, few enough to be shared.
const CONTENTS: [&str; 4] = ["", "one", "two", "three and more"];
/// Revisions of one history.
const MAX_REVISIONS: usize = 8;
/// Changes tried for one batch.
const MAX_CHANGES: usize = 12;

/// A change before it is known what it can be applied to.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    verb: u8,
    from: Index,
    to: Vec<u8>,
    entry: u8,
    number: u16,
}

fn intent() -> impl Strategy<Value = Intent> {
    let to = prop::collection::vec(0u8..4, 1..4);
    (0u8..12, any::<Index>(), to, 0u8..8, 0u16..16).prop_map(|(verb, from, to, entry, number)| Intent {
        verb,
        from,
        to,
        entry,
        number,
    })
}

/// Histories as intents: batches of changes that are made good one after the other.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Vec<Intent>>> {
    prop::collection::vec(prop::collection::vec(intent(), 1..MAX_CHANGES), 1..MAX_REVISIONS)
}

impl Intent {
    fn target(&self) -> RelPath {
        let names: Vec<&str> = self.to.iter().map(|name| NAMES[usize::from(*name)]).collect();
        RelPath::parse(names.join("/").as_bytes()).expect("a valid path")
    }

    fn fresh(&self) -> Entry {
        let mut entry = match self.entry {
            0..=2 => directory(),
            3 => link(NAMES[usize::from(self.number % 4)]),
            _ => file(CONTENTS[usize::from(self.number % 4)]),
        };
        if self.entry != 3 {
            *entry.metadata_mut() = metadata(self.number);
        }
        entry
    }

    /// What it comes to in a tree: mostly something possible, sometimes not.
    fn change(&self, tree: &Tree) -> Change {
        let there: Vec<(&RelPath, &Entry)> = tree.iter().collect();
        if there.is_empty() || self.verb < 4 {
            return Change::Create { path: self.target(), entry: self.fresh() };
        }
        let (path, old) = there[self.from.index(there.len())];
        let path = path.clone();
        let like_old = |mut entry: Entry| {
            if entry.kind() != old.kind() {
                entry = old.clone();
                *entry.metadata_mut() = metadata(self.number);
            }
            entry
        };
        match self.verb {
            4 => Change::Delete { path },
            5 => Change::Modify { path, entry: like_old(self.fresh()) },
            6 => Change::Metadata { path, metadata: metadata(self.number) },
            7 => Change::Replace { path, entry: self.fresh() },
            8 => Change::Metadata { path: RelPath::root(), metadata: metadata(self.number) },
            9 => Change::Move { from: path, to: self.target(), entry: like_old(self.fresh()) },
            10 => {
                let (other, _) = there[usize::from(self.number) % there.len()];
                Change::Move { from: path, to: other.clone(), entry: old.clone() }
            }
            _ => Change::Move { from: path, to: self.target(), entry: old.clone() },
        }
    }
}

/// A batch that can be applied: every intent that fits to those before it.
pub(crate) fn good_batch(tree: &Tree, intents: &[Intent]) -> (Vec<Change>, Tree) {
    let mut batch = Vec::new();
    let mut result = tree.clone();
    for pair in intents.chunks(2) {
        // Two at a time: swaps and other knots are good only together.
        let mut tried = batch.clone();
        tried.extend(pair.iter().map(|intent| intent.change(tree)));
        if let Ok(good) = tree.apply(&tried) {
            (batch, result) = (tried, good);
            continue;
        }
        for intent in pair {
            let mut tried = batch.clone();
            tried.push(intent.change(tree));
            if let Ok(good) = tree.apply(&tried) {
                (batch, result) = (tried, good);
            }
        }
    }
    (batch, result)
}

/// A peer with a mirror of its own, that knows every content of these histories.
pub(crate) fn historian<'a>(store: &'a dyn Store, mirror: &str) -> Peer<'a> {
    let mut peer = Peer::stranger(store);
    peer.client = ClientName::parse(mirror).expect("a valid name");
    peer.mirror = MirrorName::parse(mirror.as_bytes()).expect("a valid name");
    peer.lineage = Lineage::from_bytes([4; 16]);
    store.claim(&peer.client, &peer.claim("/source", None)).expect("nobody claimed it before");
    for content in CONTENTS {
        peer.knows(content);
    }
    peer
}

/// Plays one history; every revision must be what the model says, then and later.
pub(crate) fn play(peer: &Peer<'_>, history: &[Vec<Intent>], mut after_each: impl FnMut(&Tree)) {
    let mut trees = vec![(Head::genesis(), Tree::new())];
    for intents in history {
        let (_, tree) = trees.last().expect("begins with the genesis");
        let unchecked: Vec<Change> = intents.iter().map(|intent| intent.change(tree)).collect();
        refuses_as_the_model(peer, tree, &unchecked);
        let (batch, result) = good_batch(tree, intents);
        let ended = tree.ended_by(&batch, &result);
        let before = peer.contact_at(Head::genesis()).ended_files;
        let head = peer.deliver(&batch);
        let reply = peer.contact_at(head);
        assert_eq!((reply.ended_files - before, reply.files), (ended, result.files()), "{batch:?}");
        after_each(&result);
        trees.push((head, result));
    }
    versions_are_right(peer, &trees.iter().map(|(_, tree)| tree.clone()).collect::<Vec<_>>());
    for (at, (since, old)) in trees.iter().enumerate() {
        assert_eq!(&peer.tree_at(since.number), old, "revision {}", since.number);
        contents_are_right(peer, since.number, old);
        for (until, new) in &trees[at..] {
            let changes = peer.changes_between(*since, until.number);
            assert_eq!(old.apply(&changes).as_ref(), Ok(new), "{} to {}: {changes:?}", since.number, until.number);
        }
    }
}

fn refuses_as_the_model(peer: &Peer<'_>, tree: &Tree, changes: &[Change]) {
    use protocol::wire::Proposed;
    let refused = tree.apply(changes).err();
    match peer.propose_on(peer.head(), changes).expect("nothing malformed") {
        Proposed::Refused { refused: by_store } => assert_eq!(Some(by_store), refused, "{changes:?}"),
        _ => assert_eq!(refused, None, "{changes:?}"),
    }
}

fn contents_are_right(peer: &Peer<'_>, revision: u64, tree: &Tree) {
    for (path, entry) in tree.iter().filter(|(_, entry)| entry.kind() == Kind::File) {
        let bytes = peer.read_path(revision, path).expect("every version is kept");
        assert_eq!(Some((ContentId::of(&bytes), bytes.len() as u64)), entry.content(), "{path} at {revision}");
    }
}

pub(crate) fn random_histories_give_what_the_model_gives(store: &dyn Store) {
    let played = std::cell::Cell::new(0u32);
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&histories(), |history| {
        played.set(played.get() + 1);
        play(&historian(store, &format!("m{}", played.get())), &history, |_| {});
        Ok(())
    });
    result.expect("every history is right");
}
