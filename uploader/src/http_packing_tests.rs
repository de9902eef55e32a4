//! Bodies packed on the wire: sent so only to whom it was agreed with, counted as they travel, unpacked within bounds.

use std::io::Write as _;

use protocol::wire::{Compression, Fill, HelloReply, Limits, Packed, Source};
use protocol::{MirrorName, RevisionDigest, StoreId};

use super::*;

const PACKED_CBOR: &str = "content-type: application/cbor\r\ncontent-encoding: zstd\r\n";

/// A receiver's hello with or without the feature.
fn hello(packs: bool) -> Vec<u8> {
    let reply = HelloReply {
        protocol_min: 1,
        protocol_max: 1,
        store: StoreId::from_bytes([7; 16]),
        client: "laptop".to_owned(),
        limits: Limits { batch_changes: 1, frame_bytes: 1, concurrent_requests: 1 },
        features: if packs { vec!["another".to_owned(), ZSTD_BODIES.to_owned()] } else { vec![] },
        contact: None,
    };
    answer("200 OK", "content-type: application/cbor\r\n", &Response::Hello(reply).encode())
}

fn docs() -> MirrorName {
    MirrorName::parse(b"docs").expect("a name")
}

/// A claim that is worth packing.
fn long_claim() -> Request {
    let source = Source { path: b"/s".repeat(5000).into(), identity: vec![1; 3].into(), host: "h".into() };
    Request::Claim(protocol::wire::Claim { mirror: docs(), source, replaces: None })
}

fn fill() -> Request {
    let (proposal, data) = (RevisionDigest::from_bytes([0; 32]), vec![0; 10_000].into());
    Request::Fill(Fill { mirror: docs(), proposal, pieces: vec![], compression: Compression::None, data })
}

fn packed(message: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(message, 1).expect("compresses in memory")
}

fn is_packed(seen: &Seen) -> bool {
    seen.head.contains("content-encoding: zstd\r\n")
}

#[test]
fn only_a_receiver_whose_last_hello_says_so_gets_packed_requests() {
    for packs in [false, true] {
        let (address, seen) = serve(vec![hello(!packs), hello(packs), claimed()]);
        let transport = transport(address);
        for request in [&HELLO, &HELLO, &long_claim()] {
            transport.call(request).expect("answered");
        }
        let seen: Vec<_> = seen.iter().collect();
        assert_eq!(seen.iter().map(is_packed).collect::<Vec<_>>(), [false, false, packs]);
        let body = &seen[2].body;
        let message = if packs { Packed::open(body, 1 << 20).and_then(Packed::unpack) } else { Ok(body.clone()) };
        assert_eq!(Request::decode("claim", &message.expect("a good frame")), Ok(long_claim()));
    }
}

#[test]
fn a_fill_and_what_is_small_stay_plain() {
    let filled = Response::Fill(protocol::wire::Filled { mismatched: vec![] }).encode();
    let (address, seen) = serve(vec![hello(true), answer("200 OK", "", &filled), claimed()]);
    let transport = transport(address);
    for request in [&HELLO, &fill(), &claim()] {
        transport.call(request).expect("answered");
    }
    assert!(!seen.iter().any(|seen| is_packed(&seen)));
}

#[test]
fn packed_bodies_are_counted_as_they_travel() {
    let answers = [hello(true), answer("200 OK", PACKED_CBOR, &packed(&Response::Claim(Claimed {}).encode()))];
    let (address, seen) = serve(answers.to_vec());
    let transport = transport(address);
    for request in [&HELLO, &long_claim()] {
        transport.call(request).expect("answered");
    }
    let sent = seen.iter().map(|seen| seen.bytes).sum();
    let received = answers.iter().map(|answer| answer.len() as u64).sum();
    assert!(sent < 1000, "{sent} bytes for a claim of 10,000");
    assert_eq!(transport.traffic(), Traffic { requests: 2, bytes_sent: sent, bytes_received: received });
}

#[test]
fn a_packed_answer_is_asked_for_and_understood() {
    let (address, seen) = serve(vec![answer("200 OK", PACKED_CBOR, &packed(&Response::Claim(Claimed {}).encode()))]);
    assert_eq!(transport(address).call(&claim()).expect("answered"), Response::Claim(Claimed {}));
    assert!(seen.recv().expect("served").head.contains("accept-encoding: zstd\r\n"));
}

#[test]
fn an_answer_that_cannot_be_unpacked_within_bounds_is_none_of_this_protocol() {
    let good = packed(&Response::Claim(Claimed {}).encode());
    let mut stream = zstd::stream::write::Encoder::new(Vec::new(), 1).expect("an encoder");
    stream.write_all(&Response::Claim(Claimed {}).encode()).expect("written to memory");
    let bodies = [
        packed(&vec![0; MAX_RESPONSE_BYTES + 1]),
        stream.finish().expect("written to memory"),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
        Response::Claim(Claimed {}).encode(),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let (address, _seen) = serve(vec![answer("200 OK", PACKED_CBOR, body)]);
        let error = transport(address).call(&claim()).expect_err("must be refused");
        assert!(matches!(&error, TransportError::Protocol(why) if why.contains("unpacked")), "{number}: {error:?}");
    }
    let (address, _seen) = serve(vec![answer("200 OK", "content-encoding: gzip\r\n", &good)]);
    let error = transport(address).call(&claim()).expect_err("nobody asked for that");
    assert!(matches!(&error, TransportError::Protocol(why) if why.contains("not asked for")), "{error:?}");
}
