//! [`Slowdown`]: whoever guesses waits, the longer the more guesses went wrong lately, whoever made them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::http_limits::LONGEST_GUESS_WAIT;

/// Guesses are forgotten when nobody made a wrong one for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);

/// Counts wrong guesses.
#[derive(Debug)]
pub(crate) struct Slowdown {
    first_wait: Duration,
    guesses: Mutex<Guesses>,
}

#[derive(Debug, Default)]
struct Guesses {
    wrong: u32,
    last: Option<Instant>,
}

impl Slowdown {
    /// The answer to the first wrong guess waits so long.
    pub(crate) fn new(first_wait: Duration) -> Self {
        Self { first_wait, guesses: Mutex::default() }
    }

    /// One more wrong guess: how many those are lately, and how long its answer is to wait.
    pub(crate) fn wrong_guess(&self, now: Instant) -> (u32, Duration) {
        let mut guesses = self.lock();
        if guesses.last.is_some_and(|last| now.duration_since(last) >= FORGOTTEN_AFTER) {
            guesses.wrong = 0;
        }
        guesses.wrong = guesses.wrong.saturating_add(1);
        guesses.last = Some(now);
        (guesses.wrong, wait_after(self.first_wait, guesses.wrong))
    }

    fn lock(&self) -> MutexGuard<'_, Guesses> {
        self.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait_after(first: Duration, wrong: u32) -> Duration {
    let factor = 2_u32.saturating_pow(wrong.saturating_sub(1));
    first.saturating_mul(factor).min(LONGEST_GUESS_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_WAIT: Duration = Duration::from_millis(100);

    #[test]
    fn each_wrong_guess_doubles_the_wait_up_to_the_longest() {
        let (slowdown, now) = (Slowdown::new(FIRST_WAIT), Instant::now());
        let waits: Vec<u128> = (0..8).map(|_| slowdown.wrong_guess(now).1.as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(wait_after(FIRST_WAIT, u32::MAX), LONGEST_GUESS_WAIT);
    }

    #[test]
    fn guesses_are_forgotten_after_a_while_without_one() {
        let (slowdown, now) = (Slowdown::new(FIRST_WAIT), Instant::now());
        for _ in 0..5 {
            slowdown.wrong_guess(now);
        }
        assert_eq!(slowdown.wrong_guess(now + FORGOTTEN_AFTER - Duration::from_secs(1)).0, 6);
        assert_eq!(slowdown.wrong_guess(now + FORGOTTEN_AFTER * 2), (1, FIRST_WAIT));
    }
}
