//! Copies: contents that a client already has here are named, never asked for.

use protocol::wire::{Call, Committed};
use protocol::{Change, Entry, RelPath};

use crate::store::Store;
use crate::store::conformance::peer::{Peer, create, directory, file, metadata};

/// Files that are copied where it costs little: as many as a client puts in one batch.
pub(crate) const MANY_COPIES: u16 = 10_000;
/// Bytes of a proposal for each copied file, at most: its id is 32, and stands in it twice.
const MOST_BYTES_A_FILE: usize = 150;
/// The same once compressed: its id is said once, names and times look like each other.
const MOST_COMPRESSED_BYTES_A_FILE: usize = 60;

fn copies(below: &str, files: u16) -> impl Iterator<Item = Change> {
    (0..files).map(move |n| {
        let mut entry = file(format!("content {n}"));
        *entry.metadata_mut() = metadata(n % 500);
        create(&format!("{below}/some-name-{n:05}.txt"), entry)
    })
}

pub(crate) fn a_copied_directory_is_named_and_nothing_of_it_is_asked_for(store: &dyn Store, files: u16) {
    let mut peer = Peer::new(store);
    for n in 0..files {
        peer.knows(format!("content {n}"));
    }
    let original: Vec<Change> = std::iter::once(create("old", directory())).chain(copies("old", files)).collect();
    let base = peer.deliver(&original);
    let copy: Vec<Change> = std::iter::once(create("new", directory())).chain(copies("new", files)).collect();
    let plans = peer.plans(&copy);
    let bytes = peer.proposal(base, &copy, plans.clone()).into_request().encode();
    let compressed = zstd::bulk::compress(&bytes, 3).expect("compresses in memory");
    println!("{files} copies: {} bytes, {} compressed", bytes.len(), compressed.len());
    assert!(bytes.len() < MOST_BYTES_A_FILE * usize::from(files), "{}", bytes.len());
    assert!(compressed.len() < MOST_COMPRESSED_BYTES_A_FILE * usize::from(files), "{}", compressed.len());
    assert_eq!(peer.open(&copy, plans), [], "nothing is asked for");
    assert!(matches!(peer.commit_on(base, &copy), Ok(Committed::Durable { .. })));
    let content = |path: &RelPath| peer.tree_at(2).get(path).and_then(Entry::content);
    assert_eq!(content(copy[77].path()), content(original[77].path()));
    assert_eq!(peer.read_path(2, copy[77].path()).expect("is there"), b"content 76");
}
