//! Lists of held contents, for a client that lost its own.

use chunking::{CHUNKER, ChunkList, Cutter, Parameters};
use protocol::limits::{MAX_CHUNK_QUERIES, MAX_CHUNKED_BYTES};
use protocol::wire::{ChunkQuery, Chunked, Chunks, Committed};
use protocol::{ClientName, ContentId, Problem, ProblemCode, Segment};

use super::damage::noise;
use super::world::MemoryWorld;
use crate::store::Store;
use crate::store::conformance::peer::{Peer, code, create, recipe};

const MEAN: u32 = 1024;

fn query(content: ContentId, from: u64) -> ChunkQuery {
    ChunkQuery { content, chunker: CHUNKER, mean: MEAN, from }
}

fn ask(peer: &Peer<'_>, wanted: Vec<ChunkQuery>) -> Result<Vec<Chunked>, Problem> {
    peer.store.chunks(&peer.client, &Chunks { mirror: peer.mirror.clone(), wanted }).map(|page| page.lists)
}

fn cut(bytes: &[u8]) -> ChunkList {
    let mut cutter = Cutter::new(Parameters::with_mean(MEAN).expect("a power of two"));
    cutter.feed(bytes);
    cutter.finish().expect("is short enough")
}

#[test]
fn the_lists_are_what_the_client_would_have_cut() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let contents = [noise(300_000, 1), noise(5_000, 2)];
    let changes = [create("a", peer.file(&contents[0])), create("b", peer.file(&contents[1]))];
    peer.deliver(&changes);
    let wanted = contents.iter().map(|bytes| query(ContentId::of(bytes), 0)).collect();
    let lists = ask(&peer, wanted).expect("both are held");
    for (bytes, chunked) in contents.iter().zip(&lists) {
        assert_eq!(chunked.next, None);
        assert_eq!(chunked.list.as_ref().map(|list| &list[..]), Some(cut(bytes).as_bytes()));
    }
}

#[test]
fn a_long_content_is_cut_a_part_a_request() {
    let world = MemoryWorld::new(&["laptop"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let tail = noise(3_000_000, 3);
    let zeros = MAX_CHUNKED_BYTES - 1_000_000;
    let long = [&vec![0; usize::try_from(zeros).expect("small")][..], &tail].concat();
    let changes = [create("long", peer.file(&long)), create("short", peer.file("short"))];
    let mut plans = vec![
        recipe(&long, &[Segment::Zeros { length: zeros }, Segment::Literal { length: 3_000_000 }]),
        recipe(b"short", &[]),
    ];
    plans.sort_by_key(|plan| plan.content);
    let base = peer.head();
    let missing = peer.open(&changes, plans.clone());
    peer.fill_missing(base, &changes, &plans, &missing);
    // Putting it together takes several requests as well.
    let durable = (0..16).find_map(|_| peer.commit_on(base, &changes).ok());
    assert!(matches!(durable, Some(Committed::Durable { .. })));
    let id = ContentId::of(&long);
    let both = |from| vec![query(id, from), query(ContentId::of(b"short"), 0)];
    let first = ask(&peer, both(0)).expect("is held");
    let next = first[0].next.expect("it goes on");
    assert!(first.len() == 1 && next <= MAX_CHUNKED_BYTES, "the work of one request is bounded");
    let second = ask(&peer, both(next)).expect("is held");
    assert_eq!((second.len(), second[0].next), (2, None));
    let list = |chunked: &Chunked| {
        let bytes = chunked.list.as_ref().expect("is held").to_vec();
        ChunkList::decode(Parameters::with_mean(MEAN).expect("a power of two"), bytes).expect("a list")
    };
    let joined: Vec<_> = list(&first[0]).joined(&list(&second[0])).expect("short enough").iter().collect();
    assert_eq!(joined, cut(&long).iter().collect::<Vec<_>>());
}

#[test]
fn what_is_not_held_has_no_list_and_what_is_not_known_is_refused() {
    let world = MemoryWorld::new(&["laptop", "other"]);
    let store = world.open();
    let mut peer = Peer::new(&store);
    let bytes = noise(5_000, 4);
    let file = peer.file(&bytes);
    peer.deliver(&[create("a", file)]);
    let id = ContentId::of(&bytes);
    let unknown = ask(&peer, vec![query(ContentId::of(b"unknown"), 0), query(id, 0)]).expect("is answered");
    assert!(unknown[0].list.is_none() && unknown[1].list.is_some());
    let past = ask(&peer, vec![query(id, u64::MAX)]).expect("is answered");
    assert_eq!(past[0].next, None);
    store
        .known(&peer.client)
        .expect("opens")
        .expect("is there")
        .catalog()
        .run(&format!("INSERT INTO wanted VALUES (x'{id}', 0)"));
    assert!(ask(&peer, vec![query(id, 0)]).expect("is answered")[0].list.is_none(), "damaged is not held");
    let other_chunker = ChunkQuery { chunker: CHUNKER + 1, ..query(id, 0) };
    let no_mean = ChunkQuery { mean: 1000, ..query(id, 0) };
    assert_eq!(code(ask(&peer, vec![other_chunker])), ProblemCode::Malformed);
    assert_eq!(code(ask(&peer, vec![no_mean])), ProblemCode::Malformed);
    assert_eq!(code(ask(&peer, vec![query(id, 0); MAX_CHUNK_QUERIES + 1])), ProblemCode::TooLarge);
    peer.client = ClientName::parse("other").expect("a valid name");
    store.claim(&peer.client, &peer.claim("/source", None)).expect("a mirror of its own");
    assert!(ask(&peer, vec![query(id, 0)]).expect("is answered")[0].list.is_none(), "nothing is shared");
}
