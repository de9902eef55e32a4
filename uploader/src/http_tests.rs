//! The HTTP client against servers that answer whatever a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use protocol::wire::{Claimed, Hello};
use protocol::{Problem, ProblemCode};

use super::*;

#[path = "http_packing_tests.rs"]
mod packing;

const HELLO: Request = Request::Hello(Hello::new(1, 1));

/// What a server saw of one request.
struct Seen {
    head: String,
    body: Vec<u8>,
    bytes: u64,
}

/// A server that answers request after request, on one connection each time the client keeps it, with these bytes.
fn serve(answers: Vec<Vec<u8>>) -> (SocketAddr, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("is bound");
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut answers = answers.into_iter().peekable();
        while answers.peek().is_some() {
            let Ok((mut stream, _)) = listener.accept() else { return };
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            while let Some(seen) = read_request(&mut reader) {
                let Some(answer) = answers.next() else { return };
                tell.send(seen).expect("the test listens");
                stream.write_all(&answer).expect("the client reads");
                if answers.peek().is_none() {
                    return;
                }
            }
        }
    });
    (address, told)
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length is sent");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).ok()?;
    let bytes = (head.len() + body.len()) as u64;
    Some(Seen { head, body, bytes })
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn claimed() -> Vec<u8> {
    answer("200 OK", "content-type: application/cbor\r\n", &Response::Claim(Claimed {}).encode())
}

fn transport(address: SocketAddr) -> HttpTransport {
    let address = Address::parse(&format!("http://{address}"), false).expect("loopback");
    let token = Token::parse("secret-token").expect("a token");
    HttpTransport::new(address, &token, HttpSettings::default()).expect("a client")
}

fn claim() -> Request {
    let source = protocol::wire::Source { path: b"/s".to_vec().into(), identity: vec![1; 3].into(), host: "h".into() };
    let mirror = protocol::MirrorName::parse(b"docs").expect("a name");
    Request::Claim(protocol::wire::Claim { mirror, source, replaces: None })
}

#[test]
fn a_request_carries_token_and_body_to_its_route() {
    let (address, seen) = serve(vec![claimed()]);
    assert_eq!(transport(address).call(&claim()).expect("answered"), Response::Claim(Claimed {}));
    let seen = seen.recv().expect("served");
    assert!(seen.head.starts_with("POST /v1/claim HTTP/1.1\r\n"), "{}", seen.head);
    assert!(seen.head.contains("authorization: Bearer secret-token\r\n"));
    assert!(seen.head.contains("content-type: application/cbor\r\n"));
    assert_eq!(Request::decode("claim", &seen.body), Ok(claim()));
}

#[test]
fn bytes_are_counted_as_the_server_sees_them_and_the_connection_is_kept() {
    let answers = [claimed(), claimed(), answer("404 Not Found", "content-type: text/html\r\n", b"<html>")];
    let (address, seen) = serve(answers.to_vec());
    let transport = transport(address);
    for _ in 0..3 {
        drop(transport.call(&claim()));
    }
    let sent = seen.iter().map(|seen| seen.bytes).sum();
    let received = answers.iter().map(|answer| answer.len() as u64).sum();
    assert_eq!(transport.traffic(), Traffic { requests: 3, bytes_sent: sent, bytes_received: received });
}

#[test]
fn a_problem_document_is_a_problem_and_its_retry_after_is_kept() {
    let problem = Problem::new(ProblemCode::Busy, "slowly").with_hint("wait");
    let body = serde_json::to_vec(&problem).expect("encodes");
    let headers = "content-type: application/problem+json\r\nretry-after: 7\r\n";
    let (address, _seen) = serve(vec![answer("429 Too Many Requests", headers, &body)]);
    let error = transport(address).call(&HELLO).expect_err("a problem");
    assert!(error.is_transient());
    let TransportError::Problem { problem: got, retry_after } = error else { panic!("{error:?}") };
    assert_eq!((got, retry_after), (problem, Some(Duration::from_secs(7))));
}

#[test]
fn a_port_where_nothing_listens_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("is bound");
    drop(listener);
    let transport = transport(address);
    let error = transport.call(&HELLO).expect_err("nobody there");
    assert!(matches!(error, TransportError::Unreachable { nothing_listens: true, .. }), "{error:?}");
    assert!(error.is_transient());
    assert_eq!(transport.traffic(), Traffic::default(), "nothing was sent");
}

#[test]
fn an_answer_cut_short_is_an_interruption() {
    let whole = claimed();
    for end in [0, 10, whole.len() - 1] {
        let (address, _seen) = serve(vec![whole[..end].to_vec()]);
        let error = transport(address).call(&claim()).expect_err("cut short");
        assert!(matches!(error, TransportError::Interrupted { .. }), "{end}: {error:?}");
        assert!(error.is_transient());
    }
}

#[test]
fn an_answer_that_never_ends_is_not_waited_for_beyond_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address =
        Address::parse(&format!("http://{}", listener.local_addr().expect("bound")), false).expect("loopback");
    let settings = HttpSettings { answer_timeout: Duration::from_millis(50), ..HttpSettings::default() };
    let token = Token::parse("t").expect("a token");
    let error = HttpTransport::new(address, &token, settings).expect("a client").call(&HELLO).expect_err("silence");
    assert!(matches!(error, TransportError::TimedOut { .. }), "{error:?}");
}

/// A transport with so little patience, at so many bytes a second.
fn paced(address: SocketAddr, answer_timeout: Duration, rate: u64) -> HttpTransport {
    let address = Address::parse(&format!("http://{address}"), false).expect("loopback");
    let token = Token::parse("t").expect("a token");
    let settings = HttpSettings { answer_timeout, ..HttpSettings::default() };
    let always = crate::Timetable { spans: Vec::new(), otherwise: crate::Rate::new(rate) };
    let pace = Pace::new(always, Arc::new(seams::clock::SystemClock::new()), |_| 0);
    HttpTransport::new(address, &token, settings).expect("a client").paced(Some(Arc::new(pace)))
}

#[test]
fn a_paced_body_arrives_whole_counted_and_with_its_length() {
    let (address, seen) = serve(vec![claimed()]);
    let transport = paced(address, Duration::from_secs(60), 1 << 30);
    assert_eq!(transport.call(&claim()).expect("answered"), Response::Claim(Claimed {}));
    let seen = seen.recv().expect("served");
    assert_eq!(Request::decode("claim", &seen.body), Ok(claim()));
    assert_eq!(transport.traffic().bytes_sent, seen.bytes);
}

#[test]
fn what_a_body_is_held_back_is_not_counted_against_its_deadline() {
    let mut claim = protocol::wire::Claim {
        mirror: protocol::MirrorName::parse(b"docs").expect("a name"),
        source: protocol::wire::Source { path: b"/s".to_vec().into(), identity: vec![1; 3].into(), host: "h".into() },
        replaces: None,
    };
    // Half a second at this rate, far more than the patience; and too short to be given time for its length.
    claim.source.path = vec![b's'; 12 * 1024].into();
    let (address, _seen) = serve(vec![claimed()]);
    let transport = paced(address, Duration::from_millis(100), 16 * 1024);
    let answer = transport.call(&Request::Claim(claim));
    assert_eq!(answer.expect("nobody was slow"), Response::Claim(Claimed {}));
}

#[test]
fn an_answer_over_the_limit_is_not_read() {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_RESPONSE_BYTES + 1);
    let (address, _seen) = serve(vec![[head.as_bytes(), &vec![0; MAX_RESPONSE_BYTES + 1]].concat()]);
    let error = transport(address).call(&HELLO).expect_err("too large");
    assert!(matches!(error, TransportError::Protocol(_)), "{error:?}");
}

#[test]
fn what_is_no_receiver_is_a_protocol_error_and_redirects_are_not_followed() {
    let elsewhere = answer("302 Found", "location: http://127.0.0.1:1/\r\n", b"");
    for answered in [answer("200 OK", "", b"<html>"), elsewhere, answer("404 Not Found", "", b"")] {
        let (address, _seen) = serve(vec![answered]);
        let error = transport(address).call(&HELLO).expect_err("no receiver");
        assert!(matches!(error, TransportError::Protocol(_)) && !error.is_transient(), "{error:?}");
    }
}

#[test]
fn a_peer_without_tls_is_a_matter_of_certificates() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the test connects");
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        drop(stream.read(&mut [0; 64]));
    });
    let address = Address::parse(&format!("https://127.0.0.1:{port}"), false).expect("https");
    let token = Token::parse("t").expect("a token");
    let transport = HttpTransport::new(address, &token, HttpSettings::default()).expect("a client");
    let error = transport.call(&HELLO).expect_err("no TLS");
    assert!(matches!(error, TransportError::Certificate(_)) && !error.is_transient(), "{error:?}");
}

/// Proxies are read from the environment when a client is made, so this test runs itself again with some set.
#[test]
fn loopback_never_goes_through_a_proxy() {
    const CHILD: &str = "ROUNDSMAN_TEST_PROXY_CHILD";
    if std::env::var_os(CHILD).is_none() {
        let nowhere = "http://127.0.0.1:9";
        let mut again = Command::new(std::env::current_exe().expect("this test"));
        again.args(["--exact", "http::tests::loopback_never_goes_through_a_proxy"]).env(CHILD, "1");
        let with_proxies = again.env("HTTP_PROXY", nowhere).env("http_proxy", nowhere).env("ALL_PROXY", nowhere);
        let child = with_proxies.output().expect("runs");
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    }
    let (address, _seen) = serve(vec![claimed()]);
    transport(address).call(&claim()).expect("without the proxy, where nothing listens");
}

#[test]
fn the_token_is_in_no_debug_print() {
    let printed = format!("{:?}", transport(SocketAddr::from(([127, 0, 0, 1], 1))));
    assert!(!printed.contains("secret-token"), "{printed}");
}
