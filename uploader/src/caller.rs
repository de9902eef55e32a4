//! [`Caller`]: the one retry loop. Everything that is sent goes through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::wire::{Call, Request};
use protocol::{Problem, ProblemCode};
use seams::clock::Clock;
use seams::random::Random;
use thiserror::Error;

use crate::probe::probe_of;
use crate::retry::Outage;
use crate::{RetryPolicy, Traffic, Transport, TransportError};

/// How long at most nobody looks whether to stop.
const WAIT_SLICE: Duration = Duration::from_millis(50);

/// Why a call has no answer, after all repetitions.
#[derive(Debug, Error)]
pub enum CallError {
    /// The receiver could not be reached, or could not answer, for as long as it was worth trying.
    #[error("the receiver cannot be reached; the next round tries again")]
    Unreachable(#[source] TransportError),
    /// The receiver does not let this token in, or not there.
    #[error("the receiver refuses this client: {0}")]
    Refused(Problem),
    /// The receiver's certificate, or its TLS, is not acceptable.
    #[error("the receiver's certificate or TLS was not accepted: {0}")]
    Certificate(String),
    /// Another live client has taken this mirror over.
    #[error("fenced: {0}")]
    Fenced(Problem),
    /// Asked to stop while waiting for another try.
    #[error("stopped while the receiver could not be reached")]
    Stopped(#[source] TransportError),
    /// Any other problem that does not go away by itself.
    #[error("the receiver answered: {0}")]
    Problem(Problem),
    /// What answers is no receiver, or one of another kind.
    #[error("the receiver does not speak this protocol: {0}")]
    Protocol(String),
}

/// Calls the receiver, again where that may help, for one round: its patience is the round's.
#[derive(Debug)]
pub struct Caller {
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    policy: RetryPolicy,
    stop: Arc<AtomicBool>,
    outage: Outage,
}

impl Caller {
    /// A caller for one round. `stop` ends waits between tries; a call that is under way is finished.
    #[must_use]
    pub fn new(
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        policy: RetryPolicy,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self { transport, clock, random, policy, stop, outage: Outage::default() }
    }

    /// Calls until there is an answer, or no hope of one within the round's patience.
    ///
    /// A call may reach the receiver several times: every request of the protocol bears that.
    ///
    /// # Errors
    /// What is left when trying again does not help, see [`CallError`].
    pub fn call<C: Call>(&self, call: C) -> Result<C::Reply, CallError> {
        let request = call.into_request();
        let mut delays = self.policy.delays(self.random.below(u64::MAX));
        let mut failing_since = None;
        // How far the receiver's work on this has come: what gets on is no failure.
        let mut come = None;
        // What goes first, once a connection broke.
        let mut probe = None;
        loop {
            match self.transport.call(probe.as_ref().unwrap_or(&request)) {
                Ok(response) => {
                    self.outage.end(self.clock.since_boot());
                    if probe.take().is_none() {
                        return C::reply(response).ok_or_else(|| mistaken(&request));
                    }
                }
                Err(error) if error.progress() > come && !self.is_stopped() => {
                    self.outage.end(self.clock.since_boot());
                    come = error.progress();
                    failing_since = None;
                }
                Err(error) if error.is_transient() => {
                    let delay = delays.next().unwrap_or(self.policy.max);
                    let since = *failing_since.get_or_insert(self.clock.since_boot());
                    if error.is_of_the_connection() {
                        probe = probe_of(&request);
                    }
                    self.wait_before_next_try(&request, error, delay, since)?;
                }
                Err(error) => {
                    self.outage.end(self.clock.since_boot());
                    return Err(error.into());
                }
            }
        }
    }

    /// Whether somebody asked to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether a connection broke in this round, or did not come about.
    pub(crate) fn was_cut_off(&self) -> bool {
        self.outage.was_cut_off()
    }

    /// The clock that the round goes by.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// What went over the wire so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.transport.traffic()
    }

    /// `since` is when this call began to fail: one that always does has no more patience than the round, although
    /// others come through meanwhile and end the outage each time.
    fn wait_before_next_try(
        &self,
        request: &Request,
        error: TransportError,
        delay: Duration,
        since: Duration,
    ) -> Result<(), CallError> {
        let now = self.clock.since_boot();
        let own = self.policy.budget.saturating_sub(now.saturating_sub(since));
        let left = self.outage.left(&error, &self.policy, now).min(own);
        let asked = asked_to_wait(&error);
        if left.is_zero() || asked > left {
            return Err(CallError::Unreachable(error));
        }
        let delay = delay.max(asked).min(left);
        tracing::debug!(route = request.route(), ?delay, error = %error, "trying again");
        if self.wait(delay) { Ok(()) } else { Err(CallError::Stopped(error)) }
    }

    /// Leaves the receiver alone for a while; false if asked to stop meanwhile.
    #[must_use]
    pub fn rest(&self, time: Duration) -> bool {
        self.wait(time)
    }

    /// Waits; false if asked to stop meanwhile.
    fn wait(&self, mut left: Duration) -> bool {
        while !left.is_zero() {
            if self.is_stopped() {
                return false;
            }
            let slice = left.min(WAIT_SLICE);
            self.clock.wait(slice);
            left -= slice;
        }
        !self.is_stopped()
    }
}

/// How long the receiver asked to be left alone.
fn asked_to_wait(error: &TransportError) -> Duration {
    match error {
        TransportError::Problem { retry_after, .. } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

fn mistaken(request: &Request) -> CallError {
    CallError::Protocol(format!("the answer to {} answers something else", request.route()))
}

impl From<TransportError> for CallError {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::Problem { problem, .. } => match problem.code {
                ProblemCode::Unauthorized | ProblemCode::Forbidden => Self::Refused(problem),
                ProblemCode::Fenced => Self::Fenced(problem),
                _ => Self::Problem(problem),
            },
            TransportError::Certificate(words) => Self::Certificate(words),
            TransportError::Protocol(words) => Self::Protocol(words),
            transient @ (TransportError::Unreachable { .. }
            | TransportError::Interrupted { .. }
            | TransportError::TimedOut { .. }) => Self::Unreachable(transient),
        }
    }
}

#[cfg(test)]
#[path = "caller_tests.rs"]
mod tests;
