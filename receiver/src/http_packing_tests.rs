//! Packed bodies: requests mean what they mean plain, or are refused by name before anything is taken for them.

use std::io::Write;

use protocol::wire::{Claim, EntriesPage, Listed, Packed, Source, may_be_packed};
use protocol::{Entry, Head, Metadata, MirrorName, RelPath};

use super::*;
use crate::http_test_client::Answer;

const ZSTD: &str = "Content-Encoding: zstd\r\n";

fn packed(message: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(message, 1).expect("compresses in memory")
}

/// Posts a body with more headers.
fn post(receiver: &Receiver, route: &str, headers: &str, body: &[u8]) -> Answer {
    let head = String::from_utf8(head(route, receiver.token.expose(), body.len())).expect("text");
    let mut connection = receiver.connect();
    connection.send(head.replace("Content-Length", &format!("{headers}Content-Length")).as_bytes());
    connection.send(body);
    connection.answer()
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

/// A claim of about this size.
fn long_claim(bytes: usize) -> Request {
    let source = Source { path: vec![b'/'; bytes].into(), identity: vec![1].into(), host: "laptop".to_owned() };
    Request::Claim(Claim { mirror: MirrorName::parse(b"docs").expect("a name"), source, replaces: None })
}

#[test]
fn a_packed_request_is_answered_as_a_plain_one() -> Result {
    let receiver = Receiver::start()?;
    for request in samples().iter().filter(|request| may_be_packed(request.route())) {
        let plain = post(&receiver, request.route(), "", &request.encode());
        let same = post(&receiver, request.route(), "content-encoding: ZSTD\r\n", &packed(&request.encode()));
        assert_eq!((same.status, same.body), (plain.status, plain.body), "{}", request.route());
    }
    assert!(receiver.store.asked() > 0);
    Ok(())
}

#[test]
fn a_frame_that_is_no_whole_frame_of_its_declared_size_is_malformed() -> Result {
    let receiver = Receiver::start()?;
    let good = packed(&commit().encode());
    let mut stream = zstd::stream::write::Encoder::new(Vec::new(), 1)?;
    stream.write_all(&commit().encode())?;
    let mut longer = good.clone();
    longer[5] += 1;
    let bodies = [
        ("is no zstd frame", commit().encode()),
        ("is no zstd frame", Vec::new()),
        ("does not declare its size", stream.finish()?),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("another size", longer),
        ("followed by other bytes", [&good[..], b"x"].concat()),
        ("followed by other bytes", [&good[..], &good[..]].concat()),
    ];
    for (why, body) in bodies {
        let answer = post(&receiver, "commit", ZSTD, &body);
        assert_eq!(told(&answer), (400, "malformed".to_owned()), "{why}");
        let detail = answer.problem()["detail"].to_string();
        assert!(detail.contains(why), "{why}: {detail}");
    }
    assert_eq!(receiver.store.asked(), 0);
    Ok(())
}

#[test]
fn a_frame_that_declares_more_than_its_route_takes_is_too_large() -> Result {
    let receiver = Receiver::start()?;
    let bomb = packed(&vec![0; MAX_REQUEST_BYTES + 1]);
    assert!(bomb.len() < 10_000);
    assert_eq!(told(&post(&receiver, "commit", ZSTD, &bomb)), (413, "too_large".to_owned()));
    let largest = packed(&vec![0; MAX_REQUEST_BYTES]);
    assert_eq!(told(&post(&receiver, "commit", ZSTD, &largest)), (400, "malformed".to_owned()));
    Ok(())
}

#[test]
fn a_frame_waits_for_memory_for_what_it_declares() -> Result {
    let receiver = Receiver::start_with(|limits| {
        limits.body_memory = 64 * 1024;
        limits.body_memory_wait = Duration::from_millis(100);
    })?;
    let fits = post(&receiver, "claim", ZSTD, &packed(&long_claim(50 * 1024).encode()));
    assert_eq!(fits.status, 404, "this store has no mirror");
    let body = packed(&long_claim(70 * 1024).encode());
    assert!(body.len() < 1024);
    assert_eq!(told(&post(&receiver, "claim", ZSTD, &body)), (429, "busy".to_owned()));
    assert_eq!(receiver.store.asked(), 1);
    Ok(())
}

#[test]
fn another_encoding_or_any_where_none_belongs_is_not_understood() -> Result {
    let receiver = Receiver::start()?;
    let body = packed(&commit().encode());
    for headers in ["Content-Encoding: gzip\r\n", "Content-Encoding: zstd, zstd\r\n", &ZSTD.repeat(2)] {
        let answer = post(&receiver, "commit", headers, &body);
        assert_eq!(told(&answer), (415, "malformed".to_owned()), "{headers}");
        assert!(answer.head.contains("accept-encoding: zstd\r\n"));
    }
    for request in samples().iter().filter(|request| !may_be_packed(request.route())) {
        let answer = post(&receiver, request.route(), ZSTD, &packed(&request.encode()));
        assert_eq!(told(&answer), (415, "malformed".to_owned()), "{}", request.route());
        assert!(answer.head.contains("accept-encoding: identity\r\n"));
    }
    assert_eq!(receiver.store.asked(), 0);
    Ok(())
}

#[test]
fn an_answer_is_packed_only_for_whoever_accepts_that() -> Result {
    let receiver = Receiver::start()?;
    let listed = |number: u32| Listed {
        path: RelPath::parse(format!("file {number}").as_bytes()).expect("a valid path"),
        entry: Entry::Directory { metadata: Metadata::default() },
    };
    let page = EntriesPage { revision: Head::genesis(), entries: (0..100).map(listed).collect(), more: false };
    receiver.store.set_listing(page.clone());
    let message = Response::ListAt(page).encode();
    let list = samples().into_iter().find(|request| request.route() == "list").ok_or("a sample")?.encode();
    for plain in ["", "Accept-Encoding: gzip\r\n", "Accept-Encoding: zstd;q=0\r\n"] {
        let answer = post(&receiver, "list", plain, &list);
        assert!(!answer.head.contains("content-encoding") && answer.body == message, "{plain}");
    }
    for accepts in ["Accept-Encoding: zstd\r\n", "Accept-Encoding: gzip, ZSTD\r\n"] {
        let answer = post(&receiver, "list", accepts, &list);
        assert!(answer.head.contains("content-encoding: zstd\r\n") && answer.body.len() < message.len() / 4);
        assert_eq!(Packed::open(&answer.body, message.len()).and_then(Packed::unpack)?, message);
    }
    Ok(())
}
