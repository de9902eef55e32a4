//! The HTTP face against peers of every kind, on real connections.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::limits::{MAX_FILL_BYTES, MAX_REQUEST_BYTES};
use protocol::wire::Response;
use protocol::{ClientName, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::account::Grant;
use crate::application::Application;
use crate::application_running::Running;
use crate::application_settings::Settings;
use crate::caller::Access;
use crate::http_test_client::{Connection, head};
use crate::service_test_store::{TestStore, commit, samples};
use crate::token::Token;

#[path = "http_packing_tests.rs"]
mod packing;
#[path = "http_room_tests.rs"]
mod room;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// A running receiver with one client.
struct Receiver {
    place: TempDir,
    store: Arc<TestStore>,
    address: SocketAddr,
    token: Token,
    _running: Running,
}

impl Receiver {
    fn start() -> Result<Self> {
        Self::start_with(|_| {})
    }

    fn start_with(limit: impl FnOnce(&mut HttpLimits)) -> Result<Self> {
        let place = tempfile::tempdir()?;
        let store = Arc::new(TestStore::default());
        let mut settings = Settings { workers: 1, ..Settings::embedded(place.path()) };
        limit(&mut settings.limits);
        let application = Application::build_with(&settings, |_| Ok(store.clone()))?;
        let token = Accounts::open(place.path())?.add(&laptop(), Grant::FULL)?;
        Ok(Self { store, address: application.address(), token, place, _running: application.spawn()? })
    }

    fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    fn accounts(&self) -> Result<Accounts> {
        Ok(Accounts::open(self.place.path())?)
    }
}

fn laptop() -> ClientName {
    ClientName::parse("laptop").expect("a valid name")
}

/// Tokens that were valid once or elsewhere; what is forged is tried against the accounts themselves.
fn useless_tokens(receiver: &Receiver) -> Result<Vec<(&'static str, String)>> {
    let (accounts, elsewhere) = (receiver.accounts()?, tempfile::tempdir()?);
    let expired = accounts.issue(&laptop(), Grant { expires: Some(Timestamp::from_parts(1, 0)), ..Grant::FULL })?;
    let revoked = accounts.issue(&laptop(), Grant::FULL)?;
    accounts.verify(revoked.expose())?;
    let all = accounts.list()?.remove(0).tokens;
    let newest = all.iter().filter(|token| token.grant.expires.is_none()).max_by_key(|token| token.created);
    accounts.revoke(&newest.ok_or("it was issued")?.id)?;
    let other = Accounts::open(elsewhere.path())?.add(&laptop(), Grant::FULL)?;
    let hs256 = crate::accounts::tests::hs256_with_the_public_key(&accounts, &receiver.token);
    let none = crate::accounts::tests::without_algorithm(&accounts, &receiver.token);
    let aud = crate::accounts::tests::for_another_audience(&accounts, &receiver.token);
    let text = |token: &Token| token.expose().to_owned();
    Ok(vec![
        ("none", String::new()),
        ("garbage", "rmt_garbage".to_owned()),
        ("expired", text(&expired)),
        ("revoked", text(&revoked)),
        ("another receiver's", text(&other)),
        ("another audience", aud),
        ("no algorithm", none),
        ("HS256 with the public key", hs256),
    ])
}

#[test]
fn whoever_has_no_valid_token_is_refused_on_every_route_before_the_body_is_read() -> Result {
    let receiver = Receiver::start()?;
    for (what, token) in useless_tokens(&receiver)? {
        for route in Request::ROUTES {
            let mut connection = receiver.connect();
            connection.send(&head(route, &token, 1000));
            let answer = connection.answer();
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{route}, {what}");
            assert!(answer.head.contains("www-authenticate: bearer"));
        }
    }
    assert_eq!(receiver.store.asked(), 0);
    Ok(())
}

#[test]
fn only_the_bearer_scheme_is_a_token() -> Result {
    let receiver = Receiver::start()?;
    let token = receiver.token.expose();
    for (authorization, status) in
        [(format!("Basic {token}"), 401), (token.to_owned(), 401), (format!("bearer {token}"), 200)]
    {
        let mut connection = receiver.connect();
        let body = commit().encode();
        let length = body.len();
        connection.send(
            format!(
                "POST /v1/commit HTTP/1.1\r\nHost: x\r\nContent-Type: application/cbor\r\nContent-Length: {length}\r\n\
                 Authorization: {authorization}\r\n\r\n"
            )
            .as_bytes(),
        );
        connection.send(&body);
        assert_eq!(connection.answer().status, status);
    }
    Ok(())
}

#[test]
fn an_answer_is_what_the_service_says_and_one_connection_carries_many() -> Result {
    let receiver = Receiver::start()?;
    let mut connection = receiver.connect();
    for _ in 0..3 {
        let answer = connection.ask(receiver.token.expose(), &commit());
        assert_eq!(answer.status, 200);
        assert!(answer.head.contains("content-type: application/cbor"));
        assert!(matches!(Response::decode("commit", &answer.body), Ok(Response::Commit(_))));
    }
    let answer = connection.ask(receiver.token.expose(), &samples().remove(1));
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
    Ok(())
}

#[test]
fn a_problem_document_has_everything_that_rfc_9457_and_our_clients_ask_for() -> Result {
    let receiver = Receiver::start()?;
    let answer = receiver.connect().post("contact", "x", b"");
    let expected = serde_json::json!({
        "type": "about:blank", "title": "Unauthorized", "status": 401, "code": "unauthorized",
        "detail": "the token is not valid here", "hint": "`roundsman client issue NAME` on the receiver prints a new token",
    });
    assert_eq!(answer.problem(), expected);
    Ok(())
}

#[test]
fn a_client_added_or_revoked_while_it_runs_is_let_in_or_out_at_once() -> Result {
    let receiver = Receiver::start()?;
    let accounts = receiver.accounts()?;
    let late = accounts.add(&ClientName::parse("late")?, Grant::FULL)?;
    let mut connection = receiver.connect();
    assert_eq!(connection.ask(late.expose(), &commit()).status, 200);
    let account = accounts.list()?.into_iter().find(|account| account.client.as_str() == "late").ok_or("added")?;
    accounts.revoke(&account.tokens[0].id)?;
    assert_eq!(receiver.connect().ask(late.expose(), &commit()).status, 401);
    Ok(())
}

#[test]
fn a_token_for_reading_is_forbidden_to_write() -> Result {
    let receiver = Receiver::start()?;
    let reader = receiver.accounts()?.issue(&laptop(), Grant { access: Access::ReadOnly, expires: None })?;
    let answer = receiver.connect().ask(reader.expose(), &commit());
    assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"));
    assert_eq!(receiver.store.asked(), 0);
    Ok(())
}

#[test]
fn a_body_one_byte_over_its_routes_limit_is_refused_unread() -> Result {
    let receiver = Receiver::start()?;
    for route in Request::ROUTES {
        let limit = if *route == "fill" { MAX_FILL_BYTES } else { MAX_REQUEST_BYTES };
        let mut connection = receiver.connect();
        connection.send(&head(route, receiver.token.expose(), limit + 1));
        let answer = connection.answer();
        assert_eq!((answer.status, answer.code().as_str()), (413, "too_large"), "{route}");
    }
    assert_eq!(receiver.connect().post("fill", receiver.token.expose(), &vec![0; MAX_FILL_BYTES]).status, 400);
    Ok(())
}

#[test]
fn a_body_of_unknown_length_is_cut_at_the_limit() -> Result {
    let receiver = Receiver::start()?;
    let chunked = |bytes: usize| {
        let mut connection = receiver.connect();
        let head = String::from_utf8(head("fill", receiver.token.expose(), 0)).expect("text");
        connection.send(head.replace("Content-Length: 0", "Transfer-Encoding: chunked").as_bytes());
        connection.send(format!("{bytes:x}\r\n").as_bytes());
        connection.send(&vec![0; bytes]);
        connection.send(b"\r\n0\r\n\r\n");
        connection.answer().status
    };
    assert_eq!(chunked(MAX_FILL_BYTES), 400);
    assert_eq!(chunked(MAX_FILL_BYTES + 1), 413);
    Ok(())
}

#[test]
fn a_message_cut_at_any_byte_is_malformed_and_harms_nothing() -> Result {
    let receiver = Receiver::start()?;
    let mut connection = receiver.connect();
    for request in samples() {
        let whole = request.encode();
        for length in 0..whole.len() {
            let answer = connection.post(request.route(), receiver.token.expose(), &whole[..length]);
            assert_eq!((answer.status, answer.code().as_str()), (400, "malformed"), "{} at {length}", request.route());
        }
        let longer = [&whole[..], &[0]].concat();
        assert_eq!(connection.post(request.route(), receiver.token.expose(), &longer).status, 400);
    }
    assert_eq!(receiver.store.asked(), 0);
    Ok(())
}

#[test]
fn what_is_no_route_no_post_or_no_cbor_is_told_so() -> Result {
    let receiver = Receiver::start()?;
    let ask = |request: &str| {
        let mut connection = receiver.connect();
        connection.send(format!("{request}\r\nHost: test\r\nContent-Length: 0\r\n\r\n").as_bytes());
        connection.answer()
    };
    for nowhere in ["GET / HTTP/1.1", "POST /v1/ HTTP/1.1", "POST /v1/nothing HTTP/1.1", "POST /v1/%2e%2e/%ff HTTP/1.1"]
    {
        assert_eq!(ask(nowhere).code(), "not_found", "{nowhere}");
    }
    let known = format!("GET /v1/hello HTTP/1.1\r\nAuthorization: Bearer {}", receiver.token.expose());
    for (wrong, right) in [(known.as_str(), "allow: post"), ("POST /healthz HTTP/1.1", "allow: get")] {
        let answer = ask(wrong);
        assert_eq!((answer.status, answer.code().as_str()), (405, "malformed"));
        assert!(answer.head.contains(right));
    }
    let token = format!("POST /v1/hello HTTP/1.1\r\nAuthorization: Bearer {}", receiver.token.expose());
    assert_eq!(ask(&token).status, 415);
    let health = ask("GET /healthz HTTP/1.1");
    assert_eq!((health.status, &health.body[..]), (200, &b"ok\n"[..]));
    Ok(())
}

#[test]
fn a_panic_in_the_service_is_an_answer_and_the_next_request_is_served() -> Result {
    let receiver = Receiver::start()?;
    let mut connection = receiver.connect();
    let is_check = |request: &Request| request.route() == "check";
    let check = samples().into_iter().find(is_check).ok_or("there is a sample")?;
    for _ in 0..3 {
        let answer = connection.ask(receiver.token.expose(), &check);
        assert_eq!((answer.status, answer.code().as_str()), (500, "internal"));
        assert!(!String::from_utf8_lossy(&answer.body).contains("a test's own panic"), "nothing internal leaks");
    }
    assert_eq!(connection.ask(receiver.token.expose(), &commit()).status, 200);
    Ok(())
}

#[test]
fn a_body_that_stalls_is_cut() -> Result {
    let receiver = Receiver::start_with(|limits| limits.body_pace.idle = Duration::from_millis(100))?;
    let mut connection = receiver.connect();
    connection.send(&head("commit", receiver.token.expose(), 1000));
    connection.send(&[0; 10]);
    let answer = connection.answer();
    assert_eq!((answer.status, answer.code().as_str()), (408, "unavailable"));
    assert!(connection.is_closed());
    Ok(())
}

#[test]
fn a_head_that_stalls_is_cut() -> Result {
    let receiver = Receiver::start_with(|limits| limits.header_timeout = Duration::from_millis(100))?;
    let mut connection = receiver.connect();
    connection.send(b"POST /v1/hello HTTP/1.1\r\nHost:");
    assert_eq!(connection.answer().status, 408);
    assert!(connection.is_closed());
    Ok(())
}

#[test]
fn a_client_with_all_its_requests_in_flight_is_told_to_come_again() -> Result {
    let receiver = Receiver::start_with(|limits| limits.client_requests = 1)?;
    let (begun, end) = receiver.store.hold_next_commit();
    let mut first = receiver.connect();
    let body = commit().encode();
    first.send(&head("commit", receiver.token.expose(), body.len()));
    first.send(&body);
    begun.recv()?;
    let answer = receiver.connect().ask(receiver.token.expose(), &commit());
    assert_eq!((answer.status, answer.code().as_str()), (429, "busy"));
    assert!(answer.head.contains("retry-after: 1"));
    end.send(())?;
    assert_eq!(first.answer().status, 200);
    Ok(())
}

#[test]
fn a_body_waits_for_memory_and_not_for_ever() -> Result {
    let receiver = Receiver::start_with(|limits| {
        limits.body_memory = 64 * 1024;
        limits.body_memory_wait = Duration::from_millis(100);
    })?;
    let mut hog = receiver.connect();
    hog.send(&head("commit", receiver.token.expose(), 64 * 1024));
    // Others are served until its head was read.
    let answer = loop {
        let answer = receiver.connect().ask(receiver.token.expose(), &commit());
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((answer.status, answer.code().as_str()), (429, "busy"));
    hog.send(&vec![0; 64 * 1024]);
    assert_eq!(hog.answer().status, 400);
    assert_eq!(receiver.connect().ask(receiver.token.expose(), &commit()).status, 200);
    Ok(())
}
