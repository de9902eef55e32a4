//! The bytes of docs/PROTOCOL.md are the bytes on the wire. A change here is a change of the protocol.

use std::time::Duration;

use protocol::wire::{
    Along, Began, ChangeCounts, Ended, EntriesAt, FoundEntries, KnownMirror, Listed, Mirrors, MirrorsPage, Onward,
    Revision, Revisions, RevisionsPage, Version, Versions, VersionsPage,
};
use protocol::wire::{
    ChangesPage, Check, CheckFinding, CheckPage, CheckVerdict, ChunkQuery, Chunked, Chunks, ChunksPage, Claim, Commit,
    Committed, Compression, Contact, ContactReply, Fill, Filled, Hello, HelloReply, Limits, Mend, Mended, Missing,
    Packed, Propose, Proposed, Request, Response, Round, Source, Wanted, ZSTD_BODIES,
};
use protocol::wire::{InviteSecret, Join, Joined};
use protocol::{
    ByteRange, Change, ContentId, ContentPlan, Entry, Head, Lineage, LinkTarget, Metadata, MirrorName, Piece, RelPath,
    RevisionDigest, RoundId, Segment, StoreId, Timestamp, canonical_batch,
};

const DOCUMENT: &str = include_str!("../../docs/PROTOCOL.md");

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).expect("valid in this test")
}

fn mirror() -> MirrorName {
    MirrorName::parse(b"docs").expect("valid in this test")
}

fn metadata(mode: u16) -> Metadata {
    Metadata { mode, mtime: Timestamp::from_nanos(1_700_000_000_123_456_789), uid: 1000, gid: 1000, attributes: vec![] }
}

fn file(text: &str) -> Entry {
    Entry::File { metadata: metadata(0o644), size: text.len() as u64, content: ContentId::of(text.as_bytes()) }
}

/// One change of every kind.
fn changes() -> Vec<Change> {
    let target = LinkTarget::parse(b"../b").expect("valid in this test");
    vec![
        Change::Create { path: path("a"), entry: Entry::Directory { metadata: metadata(0o755) } },
        Change::Modify { path: path("b"), entry: file("hello") },
        Change::Metadata { path: RelPath::root(), metadata: metadata(0o700) },
        Change::Delete { path: path("c/d") },
        Change::Move { from: path("e"), to: path("f"), entry: file("moved") },
        Change::Replace { path: path("g"), entry: Entry::Symlink { metadata: metadata(0o777), target } },
    ]
}

fn head(number: u64) -> Head {
    Head { number, digest: RevisionDigest::from_bytes([0x11; 32]) }
}

fn source() -> Source {
    Source { path: b"/home/u/docs".to_vec().into(), identity: vec![1, 2, 3].into(), host: "laptop".to_owned() }
}

fn requests() -> Vec<(&'static str, Request)> {
    let lineage = Lineage::from_bytes([0x22; 16]);
    let round = Round { id: RoundId::from_bytes([0x33; 16]), started: Timestamp::from_nanos(5) };
    let content = ContentId::of(b"hello");
    let recipe = vec![
        Segment::Copy { content: ContentId::of(b"old"), offset: 1, length: 2 },
        Segment::Literal { length: 2 },
        Segment::Zeros { length: 1 },
    ];
    let contents = vec![ContentPlan { content, length: 5, recipe }];
    let offered = vec![ContentPlan { content, length: 5, recipe: vec![] }];
    let piece = Piece { index: 0, offset: 2, length: 2 };
    let proposal = RevisionDigest::from_bytes([0x44; 32]);
    vec![
        ("hello", Request::Hello(Hello::new(1, 1))),
        ("contact", Request::Contact(Contact { mirror: mirror(), lineage, head: Head::genesis() })),
        ("claim", Request::Claim(Claim { mirror: mirror(), source: source(), replaces: None })),
        (
            "propose",
            Request::Propose(Propose { mirror: mirror(), base: head(7), lineage, round, changes: changes(), contents }),
        ),
        (
            "fill",
            Request::Fill(Fill {
                mirror: mirror(),
                proposal,
                pieces: vec![piece],
                compression: Compression::None,
                data: b"lo".to_vec().into(),
            }),
        ),
        ("commit", Request::Commit(Commit { mirror: mirror(), proposal, lineage })),
        (
            "chunks",
            Request::Chunks(Chunks {
                mirror: mirror(),
                wanted: vec![ChunkQuery { content: ContentId::of(b"hello"), chunker: 1, mean: 1024, from: 0 }],
            }),
        ),
        ("mirrors", Request::Mirrors(Mirrors { after: None })),
        (
            "revisions",
            Request::Revisions(Revisions { mirror: mirror(), after: Some(6), as_of: Some(Timestamp::from_nanos(5)) }),
        ),
        (
            "versions",
            Request::Versions(Versions {
                mirror: mirror(),
                path: path("a"),
                until: Some(9),
                along: Some(Along { path: path("b"), revision: 4 }),
            }),
        ),
        ("entries", Request::EntriesAt(EntriesAt { mirror: mirror(), revision: Some(7), paths: vec![path("a/b")] })),
        ("mend", Request::Mend(Mend { mirror: mirror(), lineage, contents: offered, after: None })),
        (
            "check",
            Request::Check(Check {
                mirror: mirror(),
                after: Some(path("c")),
                read_contents: true,
                budget: Some(1_000_000),
                mend: true,
            }),
        ),
    ]
}

fn responses() -> Vec<(&'static str, &'static str, Response)> {
    let hello = HelloReply {
        protocol_min: 1,
        protocol_max: 1,
        store: StoreId::from_bytes([0x55; 16]),
        client: "laptop".to_owned(),
        limits: Limits { batch_changes: 65_536, frame_bytes: 4_194_304, concurrent_requests: 8 },
        features: vec![ZSTD_BODIES.to_owned()],
        contact: None,
    };
    let contact = ContactReply {
        head: head(7),
        head_lineage: Some(Lineage::from_bytes([0x22; 16])),
        in_chain: true,
        superseded_at: None,
        source: Some(source()),
        wanted: vec![],
        is_empty: false,
        ended_files: 300,
        files: 70_000,
    };
    let missing = vec![Missing { index: 0, ranges: vec![ByteRange { offset: 2, length: 2 }] }];
    let open = Proposed::Open { proposal: RevisionDigest::from_bytes([0x44; 32]), missing };
    let page = ChangesPage { until: head(7), changes: vec![Change::Delete { path: path("c") }], more: false };
    let list = Chunked { list: Some(vec![1, 2, 3, 4].into()), next: Some(67_108_000) };
    let chunks = ChunksPage { lists: vec![list, Chunked { list: None, next: None }] };
    let mended = Mended {
        proposal: RevisionDigest::from_bytes([0x44; 32]),
        missing: vec![Missing { index: 0, ranges: vec![ByteRange { offset: 0, length: 5 }] }],
        mismatched: vec![],
        places: 2,
        wanted: vec![Wanted { content: ContentId::of(b"hello"), length: 5, path: path("b") }],
        more: false,
    };
    let findings = vec![
        CheckFinding { path: path("b"), what: CheckVerdict::Damaged, entry: Some(file("hello")), mended: false },
        CheckFinding { path: path("x"), what: CheckVerdict::Extra, entry: None, mended: true },
    ];
    let checked = CheckPage { findings, next: Some(path("z")), bytes: 5, entries: 3, pause_millis: 0 };
    vec![
        ("hello", "hello-reply", Response::Hello(hello)),
        ("contact", "contact-reply", Response::Contact(contact)),
        ("propose", "propose-reply", Response::Propose(open)),
        ("fill", "fill-reply", Response::Fill(Filled::default().after(Duration::from_micros(300)))),
        ("commit", "commit-reply", Response::Commit(Committed::Durable { head: head(8), wanted: vec![] })),
        ("changes", "changes-reply", Response::ChangesSince(page)),
        ("chunks", "chunks-reply", Response::Chunks(chunks)),
        ("mirrors", "mirrors-reply", Response::Mirrors(mirrors_page())),
        ("revisions", "revisions-reply", Response::Revisions(revisions_page())),
        ("versions", "versions-reply", Response::Versions(versions_page())),
        (
            "entries",
            "entries-reply",
            Response::EntriesAt(FoundEntries { revision: head(7), entries: vec![Some(file("hello")), None] }),
        ),
        ("mend", "mend-reply", Response::Mend(mended)),
        ("check", "check-reply", Response::Check(checked)),
    ]
}

fn mirrors_page() -> MirrorsPage {
    MirrorsPage { mirrors: vec![KnownMirror { name: mirror(), head: head(7), source: source() }], more: false }
}

fn revisions_page() -> RevisionsPage {
    let round = Round { id: RoundId::from_bytes([0x33; 16]), started: Timestamp::from_nanos(5) };
    let counts = ChangeCounts { created: 2, deleted: 1, ..ChangeCounts::default() };
    let revision = Revision { head: head(7), committed_at: Timestamp::from_nanos(9), round: Some(round), counts };
    RevisionsPage { revisions: vec![revision], more: true }
}

fn versions_page() -> VersionsPage {
    let version = Version {
        from: 3,
        from_time: Timestamp::from_nanos(5),
        until: Some(Ended { revision: 6, time: Timestamp::from_nanos(9) }),
        listed: Listed { path: path("a"), entry: file("hello") },
        began: Began::Moved { from: path("b") },
        may_be_older: false,
    };
    VersionsPage { versions: vec![version], next: Some(Onward { until: 2, along: None }) }
}

#[test]
fn joining_is_encoded_as_documented_read_back_and_refused_cut_short() {
    let join = Join { secret: InviteSecret::from_bytes([0x66; 32]) };
    let joined = Joined { client: "laptop".to_owned(), token: "rmt_x.y.z".to_owned() };
    assert_eq!((hex(&join.encode()), hex(&joined.encode())), (documented("join"), documented("join-reply")));
    assert_eq!((Join::decode(&join.encode()), Joined::decode(&joined.encode())), (Ok(join.clone()), Ok(joined)));
    for end in 0..join.encode().len() {
        assert!(Join::decode(&join.encode()[..end]).is_err(), "cut at {end}");
    }
    assert!(!format!("{join:?}").contains("66"), "a secret does not show itself");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The block of the document with this name, white space removed.
fn documented(name: &str) -> String {
    let fence = format!("```golden {name}\n");
    let start = DOCUMENT.find(&fence).unwrap_or_else(|| panic!("docs/PROTOCOL.md has no block `golden {name}`"));
    let block = &DOCUMENT[start + fence.len()..];
    block[..block.find("```").expect("a block ends")].split_whitespace().collect()
}

#[test]
fn every_documented_request_is_encoded_so_and_read_back() {
    for (name, request) in requests() {
        assert_eq!(hex(&request.encode()), documented(name), "{name}");
        assert_eq!(Request::decode(request.route(), &request.encode()), Ok(request), "{name}");
    }
}

#[test]
fn every_documented_response_is_encoded_so_and_read_back() {
    for (route, name, response) in responses() {
        assert_eq!(hex(&response.encode()), documented(name), "{name}");
        assert_eq!(Response::decode(route, &response.encode()), Ok(response), "{name}");
    }
}

/// Only unpacking is fixed: another compressor may find other frames.
#[test]
fn the_documented_packed_request_is_the_documented_plain_one() {
    let bytes = |name| {
        let digits = documented(name);
        let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two digits");
        (0..digits.len()).step_by(2).map(byte).collect::<Vec<_>>()
    };
    let frame = bytes("propose-packed");
    let message = Packed::open(&frame, 1024).and_then(Packed::unpack).expect("a good frame");
    assert_eq!(message, bytes("propose"));
}

#[test]
fn the_canonical_batch_and_its_digest_are_as_documented_whatever_the_order() {
    let mut changes = changes();
    assert_eq!(hex(&canonical_batch(&changes)), documented("canonical-batch"));
    assert_eq!(hex(Head::genesis().after(&changes).digest.as_bytes()), documented("digest"));
    changes.reverse();
    assert_eq!(hex(&canonical_batch(&changes)), documented("canonical-batch"), "a batch is a set");
}

#[test]
fn an_unknown_optional_field_is_ignored_and_an_unknown_kind_of_change_refused() {
    // {0: 1, 1: 1, 9: "new"}
    let newer = [0xa3, 0x00, 0x01, 0x01, 0x01, 0x09, 0x63, b'n', b'e', b'w'];
    assert_eq!(Request::decode("hello", &newer), Ok(Request::Hello(Hello::new(1, 1))));
    // [99, ["a"]]
    let unknown = [0x82, 0x18, 0x63, 0x81, 0x41, b'a'];
    assert!(minicbor::decode::<Change>(&unknown).is_err());
}

#[test]
fn a_contact_reply_without_file_counts_has_none() {
    let (route, _, reply) = responses().swap_remove(1);
    let mut old = reply.encode();
    // A map of two keys less: 7 and 8 are the last.
    old[0] -= 2;
    old.truncate(old.len() - "0719012c081a00011170".len() / 2);
    let Ok(Response::Contact(read)) = Response::decode(route, &old) else { panic!("must be read") };
    assert_eq!((read.ended_files, read.files, read.in_chain), (0, 0, true));
}

#[test]
fn truncated_and_over_long_messages_are_refused_at_every_byte() {
    for (name, request) in requests() {
        let bytes = request.encode();
        for end in 0..bytes.len() {
            assert!(Request::decode(request.route(), &bytes[..end]).is_err(), "{name} cut at {end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(Request::decode(request.route(), &longer).is_err(), "{name}");
    }
}
