//! [`PacedBody`]: a request's body that goes out in pieces, each in its turn.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::pace::{Pace, Turn};

/// How long bodies were held back: that is nobody's delay, so deadlines do not count it.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldBack(Arc<AtomicU64>);

impl HeldBack {
    fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn so_far(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// The bytes of one request, at the pace of all requests together.
#[derive(Debug)]
pub(crate) struct PacedBody {
    rest: Bytes,
    pace: Arc<Pace>,
    held_back: HeldBack,
    /// The next piece and the end of its wait.
    turn: Option<(usize, Pin<Box<Sleep>>)>,
}

impl PacedBody {
    pub(crate) fn new(body: Vec<u8>, pace: Arc<Pace>, held_back: HeldBack) -> Self {
        Self { rest: body.into(), pace, held_back, turn: None }
    }

    fn take_turn(&self) -> (usize, Pin<Box<Sleep>>) {
        let Turn { bytes, wait } = self.pace.turn(self.rest.len());
        self.held_back.add(wait);
        (bytes, Box::pin(sleep_until(Instant::now() + wait)))
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let (bytes, mut wait) = match self.turn.take() {
            Some(turn) => turn,
            None => self.take_turn(),
        };
        if wait.as_mut().poll(context).is_pending() {
            self.turn = Some((bytes, wait));
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(bytes)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
