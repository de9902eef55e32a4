//! Looking back: mirrors, revisions, the versions of a path, and what was at some paths.

use protocol::limits::{MAX_ENTRY_QUERIES, MAX_PAGE_VERSIONS};
use protocol::wire::{Began, ChangeCounts, EntriesAt, Mirrors, Revision, Revisions, Version, Versions};
use protocol::{Change, MirrorName, ProblemCode, RelPath, Tree};

use crate::store::Store;
use crate::store::conformance::peer::{
    Peer, code, create, delete, directory, file, metadata, modify, moved, path, replace,
};

impl Peer<'_> {
    /// All versions of a path, every page.
    pub(crate) fn versions(&self, at: &RelPath) -> Vec<Version> {
        let mut request = Versions { mirror: self.mirror.clone(), path: at.clone(), until: None, along: None };
        let mut versions = Vec::new();
        loop {
            let page = self.store.versions(&self.client, &request).expect("the mirror is there");
            versions.extend(page.versions);
            let Some(next) = page.next else { return versions };
            (request.until, request.along) = (Some(next.until), next.along);
        }
    }

    pub(crate) fn revisions(&self) -> Vec<Revision> {
        let request = Revisions { mirror: self.mirror.clone(), after: None, as_of: None };
        self.store.revisions(&self.client, &request).expect("the mirror is there").revisions
    }
}

/// Versions as `from..until path how`, the oldest first.
fn told(peer: &Peer<'_>, at: &str) -> Vec<String> {
    let line = |version: &Version| {
        let until = version.until.map_or(String::new(), |ended| ended.revision.to_string());
        let how = match &version.began {
            Began::Created => "created".to_owned(),
            Began::Modified => "modified".to_owned(),
            Began::Metadata => "metadata".to_owned(),
            Began::Moved { from } => format!("from {from}"),
        };
        format!("{}..{until} {} {how}", version.from, version.listed.path)
    };
    let mut versions = peer.versions(&path(at));
    versions.sort_by_key(|version| version.from);
    versions.iter().map(line).collect()
}

/// Whatever the history: every version is what the trees say, begins and ends where they say, and none is missing.
pub(crate) fn versions_are_right(peer: &Peer<'_>, trees: &[Tree]) {
    let mut paths: Vec<&RelPath> = trees.iter().flat_map(|tree| tree.iter().map(|(path, _)| path)).collect();
    paths.sort();
    paths.dedup();
    let at = |revision: u64| &trees[usize::try_from(revision).expect("small")];
    for path in paths {
        let versions = peer.versions(path);
        for Version { from, until, listed, began, .. } in &versions {
            let last = until.map_or(trees.len() as u64, |ended| ended.revision) - 1;
            let is_there = |revision: u64| at(revision).get(&listed.path) == Some(&listed.entry);
            assert!((*from..=last).all(is_there), "{listed:?} from {from} to {last}");
            if let Began::Moved { from: earlier } = began {
                assert!(at(from - 1).get(earlier).is_some(), "{listed:?} came from {earlier} in {from}");
            }
        }
        for revision in 0..trees.len() as u64 {
            let holds = |version: &&Version| {
                version.listed.path == *path
                    && version.from <= revision
                    && version.until.is_none_or(|ended| revision < ended.revision)
            };
            let told = versions.iter().find(holds).map(|version| &version.listed.entry);
            assert_eq!(told, at(revision).get(path), "{path} at {revision}");
        }
    }
}

pub(crate) fn a_file_is_followed_through_its_renames_and_those_of_its_directories(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("d", directory()), create("d/a", one.clone())]);
    peer.deliver(&[modify("d/a", two.clone())]);
    peer.deliver(&[Change::Metadata { path: path("d"), metadata: metadata(3) }]);
    peer.deliver(&[moved("d", "e", directory())]);
    peer.deliver(&[moved("e/a", "b", two.clone())]);
    peer.deliver(&[Change::Metadata { path: path("b"), metadata: metadata(5) }]);
    let expected = ["1..2 d/a created", "2..4 d/a modified", "4..5 e/a from d/a", "5..6 b from e/a", "6.. b metadata"];
    assert_eq!(told(&peer, "b"), expected);
    assert_eq!(told(&peer, "e/a"), expected[..3], "it left that path");
    assert_eq!(told(&peer, "d/a"), expected[..2]);
    assert_eq!(told(&peer, "nowhere"), Vec::<String>::new());
    let all = peer.versions(&path("b"));
    let times: Vec<_> = peer.revisions().iter().map(|revision| revision.committed_at).collect();
    assert!(
        all.iter().all(|version| times.get(usize::try_from(version.from).expect("small")) == Some(&version.from_time))
    );
}

pub(crate) fn what_was_deleted_has_versions_and_so_has_what_came_after_it(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let (one, two) = (peer.file("one"), peer.file("two"));
    peer.deliver(&[create("d", directory()), create("d/a", one.clone())]);
    peer.deliver(&[delete("d")]);
    peer.deliver(&[create("x", two.clone())]);
    assert_eq!(told(&peer, "d/a"), ["1..2 d/a created"]);
    peer.deliver(&[create("d", directory())]);
    peer.deliver(&[moved("x", "d/a", two.clone())]);
    assert_eq!(told(&peer, "d/a"), ["1..2 d/a created", "3..5 x created", "5.. d/a from x"]);
    peer.deliver(&[delete("d/a")]);
    peer.deliver(&[create("d/a", one)]);
    let all = ["1..2 d/a created", "3..5 x created", "5..6 d/a from x", "7.. d/a created"];
    assert_eq!(told(&peer, "d/a"), all);
    peer.deliver(&[replace("d/a", directory())]);
    assert_eq!(told(&peer, "d/a")[4], "8.. d/a created");
    let root = Versions { mirror: peer.mirror.clone(), path: RelPath::root(), until: None, along: None };
    assert_eq!(code(store.versions(&peer.client, &root)), ProblemCode::Malformed);
}

pub(crate) fn versions_past_a_page_go_on_where_it_ended(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let one = peer.file("one");
    peer.deliver(&[create("d", directory()), create("old", one.clone())]);
    let half = u64::try_from(MAX_PAGE_VERSIONS / 2 + 10).expect("small");
    let touch = |peer: &Peer<'_>, at: &str, number: u64| {
        let number = u16::try_from(number % 2).expect("small");
        peer.deliver(&[Change::Metadata { path: path(at), metadata: metadata(number + 2) }]);
    };
    (0..half).for_each(|number| touch(&peer, "old", number));
    peer.deliver(&[moved("old", "d/new", one)]);
    (0..half).for_each(|number| touch(&peer, "d/new", number));
    let versions = peer.versions(&path("d/new"));
    assert_eq!(versions.len() as u64, 2 * half + 2);
    assert!(versions.is_sorted_by(|a, b| a.from > b.from), "the newest first, none twice");
    assert!(versions.windows(2).all(|two| two[1].until.map(|ended| ended.revision) == Some(two[0].from)));
}

pub(crate) fn revisions_are_told_with_their_rounds_counts_and_times(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let one = peer.file("one");
    let first = peer.deliver(&[create("d", directory()), create("d/a", one.clone()), create("d/b", one.clone())]);
    let second = peer.deliver(&[delete("d/b"), moved("d/a", "a", one)]);
    let revisions = peer.revisions();
    assert_eq!(revisions.iter().map(|revision| revision.head).collect::<Vec<_>>()[1..], [first, second]);
    assert_eq!((revisions[0].round, revisions[0].counts), (None, ChangeCounts::default()));
    let counts = |at: usize| revisions[at].counts;
    assert_eq!(counts(1), ChangeCounts { created: 3, ..ChangeCounts::default() });
    assert_eq!(counts(2), ChangeCounts { deleted: 1, moved: 1, ..ChangeCounts::default() });
    assert_eq!(revisions[2].round, Some(peer.proposal(first, &[], Vec::new()).round));
    assert!(revisions.is_sorted_by_key(|revision| revision.committed_at));
    let after = Revisions { mirror: peer.mirror.clone(), after: Some(1), as_of: None };
    assert_eq!(store.revisions(&peer.client, &after).expect("there").revisions, revisions[2..]);
}

pub(crate) fn the_revision_as_of_a_time_is_the_last_one_decided_by_then(
    store: &dyn Store,
    clock: &seams::memory::ManualClock,
) {
    let mut peer = Peer::new(store);
    let one = peer.file("one");
    peer.deliver(&[create("a", one.clone())]);
    clock.advance(std::time::Duration::from_secs(60));
    peer.deliver(&[create("b", one)]);
    let revisions = peer.revisions();
    let as_of = |nanos: i64| {
        let time = revisions[2].committed_at.plus_nanos(nanos);
        let request = Revisions { mirror: peer.mirror.clone(), after: None, as_of: Some(time) };
        let found = store.revisions(&peer.client, &request).expect("there").revisions;
        found.iter().map(|revision| revision.head.number).collect::<Vec<_>>()
    };
    assert_eq!((as_of(0), as_of(-1), as_of(i64::from(u32::MAX))), (vec![2], vec![1], vec![2]));
}

pub(crate) fn what_is_at_many_paths_is_one_question(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let one = peer.file("one");
    peer.deliver(&[create("d", directory()), create("d/a", one.clone())]);
    peer.deliver(&[delete("d/a")]);
    let ask = |revision, paths| EntriesAt { mirror: peer.mirror.clone(), revision, paths };
    let look = |revision| {
        let paths = vec![path("d/a"), path("x/y"), path("d")];
        store.entries_at(&peer.client, &ask(revision, paths)).expect("there").entries
    };
    assert_eq!(look(Some(1)), [Some(one), None, Some(directory())]);
    assert_eq!(look(None), [None, None, Some(directory())]);
    let many = ask(None, vec![path("d"); MAX_ENTRY_QUERIES + 1]);
    assert_eq!(code(store.entries_at(&peer.client, &many)), ProblemCode::TooLarge);
    assert_eq!(code(store.entries_at(&peer.client, &ask(Some(9), vec![path("d")]))), ProblemCode::NotFound);
}

pub(crate) fn a_clients_mirrors_are_listed_and_nobody_elses(store: &dyn Store) {
    let mut peer = Peer::new(store);
    let first = peer.mirror.clone();
    peer.deliver(&[create("d", file(""))]);
    peer.mirror = MirrorName::parse(b"another").expect("a valid name");
    store.claim(&peer.client, &peer.claim("/other", None)).expect("nobody claimed it before");
    let list = |peer: &Peer<'_>, after| store.mirrors(&peer.client, &Mirrors { after }).expect("a list").mirrors;
    let mirrors = list(&peer, None);
    let names: Vec<_> = mirrors.iter().map(|mirror| (mirror.name.clone(), mirror.head.number)).collect();
    assert_eq!(names, [(first.clone(), 1), (peer.mirror.clone(), 0)]);
    assert_eq!(mirrors[1].source, peer.claim("/other", None).source);
    assert_eq!(list(&peer, Some(first)), mirrors[1..]);
    peer.client = protocol::ClientName::parse("stranger").expect("a valid name");
    assert_eq!(list(&peer, None), []);
}
