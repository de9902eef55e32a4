//! The one loop of retries, on a clock that nobody waits for.

use std::sync::Mutex;

use protocol::StoreId;
use protocol::Timestamp;
use protocol::wire::{Hello, HelloReply, Limits, Response};
use seams::memory::ManualClock;
use seams::random::SeededRandom;

use super::*;

type Outcome = fn() -> Result<Response, TransportError>;

/// Answers with what it was given, the last for ever.
#[derive(Debug)]
struct Scripted {
    outcomes: Vec<Outcome>,
    calls: Mutex<Vec<Duration>>,
    clock: Arc<ManualClock>,
}

impl Transport for Scripted {
    fn call(&self, _: &Request) -> Result<Response, TransportError> {
        let mut calls = self.calls.lock().expect("not poisoned");
        let outcome = self.outcomes[calls.len().min(self.outcomes.len() - 1)];
        calls.push(self.clock.since_boot());
        outcome()
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

struct Bench {
    transport: Arc<Scripted>,
    caller: Caller,
    stop: Arc<AtomicBool>,
}

fn bench(seed: u64, outcomes: &[Outcome]) -> Bench {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(0)));
    let transport = Arc::new(Scripted { outcomes: outcomes.to_vec(), calls: Mutex::default(), clock: clock.clone() });
    let (random, stop) = (Arc::new(SeededRandom::new(seed)), Arc::new(AtomicBool::new(false)));
    let caller = Caller::new(transport.clone(), clock, random, RetryPolicy::default(), stop.clone());
    Bench { transport, caller, stop }
}

impl Bench {
    fn call(&self) -> Result<HelloReply, CallError> {
        self.caller.call(Hello::new(1, 1))
    }

    fn times(&self) -> Vec<Duration> {
        self.transport.calls.lock().expect("not poisoned").clone()
    }
}

fn answer() -> Result<Response, TransportError> {
    let limits = Limits { batch_changes: 1, frame_bytes: 1, concurrent_requests: 1 };
    let store = StoreId::from_bytes([0; 16]);
    Ok(Response::Hello(HelloReply {
        protocol_min: 1,
        protocol_max: 1,
        store,
        client: "me".into(),
        limits,
        features: vec![],
        contact: None,
    }))
}

fn interrupted() -> Result<Response, TransportError> {
    Err(TransportError::Interrupted { source: "cut".into() })
}

fn refused() -> Result<Response, TransportError> {
    Err(TransportError::Unreachable { nothing_listens: true, source: "refused".into() })
}

fn problem(code: ProblemCode, retry_after: Option<u64>) -> Result<Response, TransportError> {
    let retry_after = retry_after.map(Duration::from_secs);
    Err(TransportError::Problem { problem: Problem::new(code, "words"), retry_after })
}

#[test]
fn what_may_pass_is_tried_again_with_growing_waits() {
    let bench = bench(1, &[interrupted, interrupted, interrupted, answer]);
    assert_eq!(bench.call().expect("the fourth try").client, "me");
    let times = bench.times();
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, at_least) in waits.iter().zip([100, 200, 400].map(Duration::from_millis)) {
        assert!((at_least..=at_least * 2).contains(wait), "{waits:?}");
    }
}

#[test]
fn waits_are_the_same_for_the_same_seed_only() {
    let times = |seed| {
        let bench = bench(seed, &[interrupted]);
        assert!(bench.call().is_err());
        bench.times()
    };
    assert_eq!(times(1), times(1));
    assert_ne!(times(1), times(2));
}

#[test]
fn an_absence_is_borne_for_the_budget_and_no_longer() {
    let bench = bench(1, &[interrupted]);
    assert!(matches!(bench.call(), Err(CallError::Unreachable(TransportError::Interrupted { .. }))));
    assert_eq!(bench.times().last(), Some(&Duration::from_secs(30)));
}

#[test]
fn where_nothing_ever_listened_less_patience_is_due() {
    let bench = bench(1, &[refused]);
    assert!(matches!(bench.call(), Err(CallError::Unreachable(TransportError::Unreachable { .. }))));
    assert_eq!(bench.times().last(), Some(&Duration::from_secs(5)));
}

#[test]
fn a_receiver_that_restarts_gets_the_whole_budget() {
    let bench = bench(1, &[answer, refused]);
    assert!(bench.call().is_ok());
    assert!(bench.call().is_err());
    assert_eq!(bench.times().last(), Some(&Duration::from_secs(30)));
}

#[test]
fn the_budget_is_that_of_the_round_not_of_a_call() {
    let fails = [interrupted as Outcome; 7];
    let twice: Vec<Outcome> = [&fails[..], &[answer], &[interrupted]].concat();
    let bench = bench(1, &twice);
    assert!(bench.call().is_ok());
    let spent = *bench.times().last().expect("called");
    assert!(spent > Duration::from_secs(6), "{spent:?}");
    assert!(bench.call().is_err());
    assert_eq!(bench.times().last(), Some(&Duration::from_secs(30)), "both absences together");
}

#[test]
fn a_receiver_that_asks_for_time_gets_it() {
    let bench = bench(1, &[|| problem(ProblemCode::Busy, Some(7)), answer]);
    assert!(bench.call().is_ok());
    assert_eq!(bench.times()[1], Duration::from_secs(7));
}

/// Works on one request for an hour, in steps of ten seconds that each get on; then for ever in one that does not.
#[derive(Debug)]
struct LongWork {
    clock: Arc<ManualClock>,
    calls: Mutex<u64>,
    steps: u64,
}

impl Transport for LongWork {
    fn call(&self, _: &Request) -> Result<Response, TransportError> {
        let mut calls = self.calls.lock().expect("not poisoned");
        *calls += 1;
        self.clock.advance(Duration::from_secs(10));
        if *calls == 361 && self.steps > 360 {
            return answer();
        }
        let come = Problem::new(ProblemCode::Busy, "goes on").with_progress((*calls).min(self.steps));
        Err(TransportError::Problem { problem: come, retry_after: None })
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

#[test]
fn work_that_gets_on_is_waited_for_as_long_as_it_takes_and_work_that_stands_still_is_not() {
    let calls = |steps| {
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(0)));
        let transport = Arc::new(LongWork { clock: clock.clone(), calls: Mutex::default(), steps });
        let random = Arc::new(SeededRandom::new(1));
        let caller = Caller::new(transport.clone(), clock.clone(), random, RetryPolicy::default(), Arc::default());
        let answered = caller.call(Hello::new(1, 1)).is_ok();
        (answered, *transport.calls.lock().expect("not poisoned"))
    };
    assert_eq!(calls(u64::MAX), (true, 361), "nobody waits between two steps");
    let (answered, tries) = calls(5);
    assert!(!answered && tries < 12, "{tries}");
}

#[test]
fn a_receiver_that_asks_for_more_time_than_there_is_is_not_called_again() {
    let bench = bench(1, &[|| problem(ProblemCode::Unavailable, Some(31)), answer]);
    assert!(matches!(bench.call(), Err(CallError::Unreachable(TransportError::Problem { .. }))));
    assert_eq!(bench.times().len(), 1);
}

/// Breaks the connection at the first frame with bytes; then answers like a receiver that does, or does not, know the
/// proposal. Notes the length of each frame.
#[derive(Debug)]
struct StartedAnew {
    forgot: bool,
    frames: Mutex<Vec<usize>>,
}

impl Transport for StartedAnew {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let Request::Fill(fill) = request else { panic!("only frames are sent") };
        let mut frames = self.frames.lock().expect("not poisoned");
        frames.push(fill.data.len());
        match frames.len() {
            1 => interrupted(),
            _ if self.forgot => problem(ProblemCode::UnknownProposal, None),
            _ => Ok(Response::Fill(protocol::wire::Filled::default())),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

#[test]
fn a_frame_whose_connection_broke_goes_again_only_where_the_proposal_is_still_known() {
    let lengths = |forgot| {
        let transport = Arc::new(StartedAnew { forgot, frames: Mutex::default() });
        let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(0)));
        let random = Arc::new(SeededRandom::new(1));
        let caller = Caller::new(transport.clone(), clock, random, RetryPolicy::default(), Arc::default());
        let frame = protocol::wire::Fill {
            mirror: protocol::MirrorName::parse(b"m").expect("valid"),
            proposal: protocol::RevisionDigest::from_bytes([1; 32]),
            pieces: vec![protocol::Piece { index: 0, offset: 0, length: 7 }],
            compression: protocol::wire::Compression::None,
            data: vec![0; 7].into(),
        };
        assert_eq!(caller.call(frame).is_err(), forgot);
        transport.frames.lock().expect("not poisoned").clone()
    };
    assert_eq!(lengths(false), [7, 0, 7]);
    assert_eq!(lengths(true), [7, 0], "nothing is sent in vain");
}

#[test]
fn what_does_not_pass_by_itself_is_not_tried_again() {
    let once = |outcome: Outcome| {
        let bench = bench(1, &[outcome]);
        let error = bench.call().expect_err("fails");
        assert_eq!(bench.times().len(), 1);
        error
    };
    assert!(matches!(once(|| problem(ProblemCode::Unauthorized, None)), CallError::Refused(_)));
    assert!(matches!(once(|| problem(ProblemCode::Forbidden, None)), CallError::Refused(_)));
    assert!(matches!(once(|| problem(ProblemCode::Fenced, None)), CallError::Fenced(_)));
    assert!(matches!(once(|| problem(ProblemCode::NoSpace, None)), CallError::Problem(_)));
    assert!(matches!(once(|| Err(TransportError::Certificate("bad".into()))), CallError::Certificate(_)));
    assert!(matches!(once(|| Err(TransportError::Protocol("html".into()))), CallError::Protocol(_)));
}

/// Time that passes while other threads' calls come through.
#[derive(Debug)]
struct BusyTime {
    clock: Arc<ManualClock>,
    caller: std::sync::OnceLock<std::sync::Weak<Caller>>,
}

impl Clock for BusyTime {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn since_boot(&self) -> Duration {
        self.clock.since_boot()
    }

    fn boot_id(&self) -> seams::clock::BootId {
        self.clock.boot_id()
    }

    fn wait(&self, duration: Duration) {
        let caller = self.caller.get().expect("is set").upgrade().expect("is alive");
        caller.outage.end(self.since_boot());
        self.clock.wait(duration);
        assert!(self.since_boot() < Duration::from_secs(3_600), "it never gives up");
    }
}

#[test]
fn a_call_that_always_fails_is_given_up_although_others_come_through() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_nanos(0)));
    let outcomes = vec![(|| problem(ProblemCode::Internal, None)) as Outcome];
    let transport = Arc::new(Scripted { outcomes, calls: Mutex::default(), clock: clock.clone() });
    let time = Arc::new(BusyTime { clock, caller: std::sync::OnceLock::new() });
    let random = Arc::new(SeededRandom::new(1));
    let policy = RetryPolicy::default();
    let caller = Arc::new(Caller::new(transport.clone(), time.clone(), random, policy, Arc::default()));
    time.caller.set(Arc::downgrade(&caller)).expect("once");
    assert!(caller.call(Hello::new(1, 1)).is_err());
    let last = *transport.calls.lock().expect("not poisoned").last().expect("called");
    assert_eq!(last, policy.budget);
}

#[test]
fn a_wait_ends_at_once_when_asked_to_stop() {
    let bench = bench(1, &[interrupted]);
    bench.stop.store(true, Ordering::Relaxed);
    assert!(matches!(bench.call(), Err(CallError::Stopped(_))));
    assert_eq!(bench.times(), [Duration::ZERO]);
}

#[test]
fn an_answer_to_something_else_is_no_answer() {
    let bench = bench(1, &[|| Ok(Response::Claim(protocol::wire::Claimed {}))]);
    assert!(matches!(bench.call(), Err(CallError::Protocol(_))));
}
