//! Reading a request's body: never more than it may be, never slower than it must.
//!
//! actix-web has no deadline of its own for bodies: one that stalls would hold its connection for ever.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::web::{Bytes, BytesMut, Payload};
use protocol::{Problem, ProblemCode};
use tokio::time::{Instant, timeout_at};

use crate::http_failure::Failure;
use crate::http_limits::BodyPace;

/// Reads a whole body of at most `limit` bytes, for which there must be room in memory.
pub(crate) async fn read(payload: Payload, limit: usize, pace: BodyPace) -> Result<Bytes, Failure> {
    let mut stream = pin!(BodyStream::new(payload));
    let mut body = BytesMut::with_capacity(limit);
    let mut meter = Meter::new(pace, Instant::now());
    loop {
        let next = poll_fn(|context| stream.as_mut().poll_next(context));
        let chunk = match timeout_at(meter.next_due(), next).await {
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(_))) => return Err(cut_off()),
            Ok(None) => return Ok(body.freeze()),
            Err(_) => return Err(too_slow(pace.idle)),
        };
        if chunk.len() > limit - body.len() {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&chunk);
        if !meter.keeps_pace(chunk.len(), Instant::now()) {
            return Err(too_slow(pace.window));
        }
    }
}

/// The answer to a body that is larger than its route takes.
pub(crate) fn too_large(limit: usize) -> Failure {
    Problem::new(ProblemCode::TooLarge, format!("the body is larger than the {limit} bytes that this route takes"))
        .into()
}

fn too_slow(within: Duration) -> Failure {
    Failure::request_timeout(format!("the body came too slowly: too little of it within {within:?}"))
}

fn cut_off() -> Failure {
    Problem::new(ProblemCode::Malformed, "the body ended before its end").into()
}

/// Measures how fast a body comes, in one window after another, so that a fast beginning earns no slow end.
#[derive(Debug)]
struct Meter {
    pace: BodyPace,
    last: Instant,
    window_began: Instant,
    in_window: u64,
}

impl Meter {
    fn new(pace: BodyPace, now: Instant) -> Self {
        Self { pace, last: now, window_began: now, in_window: 0 }
    }

    /// When the next bytes must be there.
    fn next_due(&self) -> Instant {
        self.last + self.pace.idle
    }

    /// Takes bytes into account; whether they come fast enough.
    fn keeps_pace(&mut self, bytes: usize, now: Instant) -> bool {
        self.last = now;
        self.in_window = self.in_window.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if now.duration_since(self.window_began) < self.pace.window {
            return true;
        }
        let enough = self.in_window >= self.pace.window_bytes;
        (self.window_began, self.in_window) = (now, 0);
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PACE: BodyPace =
        BodyPace { idle: SECOND.saturating_mul(10), window: SECOND.saturating_mul(30), window_bytes: 300 };

    #[test]
    fn a_body_may_come_as_slowly_as_its_rate_allows() {
        let mut now = Instant::now();
        let mut meter = Meter::new(PACE, now);
        for _ in 0..100 {
            now += SECOND * 9;
            assert!(now < meter.next_due() && meter.keeps_pace(90, now));
        }
    }

    #[test]
    fn a_fast_beginning_earns_no_slow_end() {
        let mut now = Instant::now();
        let mut meter = Meter::new(PACE, now);
        assert!(meter.keeps_pace(1_000_000, now));
        let kept = (0..20)
            .take_while(|_| {
                now += SECOND * 5;
                meter.keeps_pace(1, now)
            })
            .count();
        assert_eq!(kept, 11, "the first window was paid for, the second was not");
    }
}
