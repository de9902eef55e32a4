//! What a caller may ask for.

use protocol::ClientName;

use super::*;
use crate::http_limits::HttpLimits;
use crate::service_test_store::{TestStore, commit, samples};

fn service() -> (Arc<TestStore>, Service) {
    let store = Arc::new(TestStore::default());
    (store.clone(), Service::new(store, HttpLimits::default().told()))
}

fn caller(access: Access) -> Caller {
    Caller { client: ClientName::local(), access }
}

fn hello(protocol_min: u32, protocol_max: u32) -> Request {
    Request::Hello(Hello::new(protocol_min, protocol_max))
}

#[test]
fn hello_tells_who_answers_and_who_asks() {
    let (store, service) = service();
    let Ok(Response::Hello(reply)) = service.answer(&caller(Access::ReadOnly), &hello(1, 9)) else {
        panic!("a hello is answered by a hello");
    };
    assert_eq!((reply.store, reply.client.as_str()), (store.id(), "local"));
    assert_eq!(reply.limits, HttpLimits::default().told());
    assert_eq!(reply.features, [ZSTD_BODIES]);
}

#[test]
fn without_a_common_version_hello_names_who_has_to_update() {
    let (_, service) = service();
    for ((oldest, newest), who) in
        [((2, 3), "update the receiver"), ((0, 0), "update the client"), ((2, 0), "update the receiver")]
    {
        let problem = service.answer(&caller(Access::Full), &hello(oldest, newest)).expect_err("no common version");
        assert_eq!((problem.code, problem.hint.as_deref()), (ProblemCode::UnsupportedProtocol, Some(who)));
    }
}

#[test]
fn a_token_for_reading_changes_nothing() {
    let (store, service) = service();
    let writes = ["claim", "takeover", "propose", "fill", "commit", "mend"];
    for request in samples().iter().filter(|request| writes.contains(&request.route())) {
        let problem = service.answer(&caller(Access::ReadOnly), request).expect_err("not allowed");
        assert_eq!(problem.code, ProblemCode::Forbidden, "{}", request.route());
    }
    assert_eq!(store.asked(), 0);
}

#[test]
fn only_a_token_with_full_access_makes_history_go() {
    for (access, expected) in [(Access::Full, AtCeiling::GiveUpOldest), (Access::AppendOnly, AtCeiling::Refuse)] {
        let (store, service) = service();
        service.answer(&caller(access), &commit()).expect("both may commit");
        assert_eq!(store.at_ceiling(), Some(expected), "{access:?}");
    }
}

#[test]
fn a_check_that_mends_needs_full_access() {
    let (store, service) = service();
    let mirror = protocol::MirrorName::parse(b"docs").expect("a valid name");
    let check = Check { mirror, after: None, read_contents: true, budget: None, mend: true };
    let refused = service.answer(&caller(Access::ReadOnly), &Request::Check(check)).expect_err("not allowed");
    assert_eq!((refused.code, store.asked()), (ProblemCode::Forbidden, 0));
}

#[test]
fn every_request_reaches_the_store_and_is_answered_in_kind() {
    let (store, service) = service();
    // Hello needs no store, and this store's check panics.
    let asked = samples().into_iter().filter(|request| !["hello", "check"].contains(&request.route()));
    for (count, request) in asked.enumerate() {
        let answer = service.answer(&caller(Access::Full), &request);
        assert_eq!(store.asked(), count + 1, "{}", request.route());
        assert_eq!(answer.is_ok(), request == commit(), "{}", request.route());
    }
}
