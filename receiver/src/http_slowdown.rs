//! [`Slowdown`]: whoever guesses waits, the longer the more guesses went wrong lately, whoever made them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long the answer to the first wrong guess waits; each further one doubles it.
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(100);
/// No answer waits longer.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Guesses are forgotten when nobody made a wrong one for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);

/// Counts wrong guesses.
#[derive(Debug, Default)]
pub(crate) struct Slowdown(Mutex<Guesses>);

#[derive(Debug, Default)]
struct Guesses {
    wrong: u32,
    last: Option<Instant>,
}

impl Slowdown {
    /// One more wrong guess: how many those are lately, and how long its answer is to wait.
    pub(crate) fn wrong_guess(&self, now: Instant) -> (u32, Duration) {
        let mut guesses = self.lock();
        if guesses.last.is_some_and(|last| now.duration_since(last) >= FORGOTTEN_AFTER) {
            guesses.wrong = 0;
        }
        guesses.wrong = guesses.wrong.saturating_add(1);
        guesses.last = Some(now);
        (guesses.wrong, wait_after(guesses.wrong))
    }

    fn lock(&self) -> MutexGuard<'_, Guesses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wait_after(wrong: u32) -> Duration {
    let doubled = 2_u32.checked_pow(wrong.saturating_sub(1)).and_then(|factor| FIRST_WAIT.checked_mul(factor));
    doubled.unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_guess_doubles_the_wait_up_to_the_longest() {
        let (slowdown, now) = (Slowdown::default(), Instant::now());
        let waits: Vec<u128> = (0..8).map(|_| slowdown.wrong_guess(now).1.as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn guesses_are_forgotten_after_a_while_without_one() {
        let (slowdown, now) = (Slowdown::default(), Instant::now());
        for _ in 0..5 {
            slowdown.wrong_guess(now);
        }
        assert_eq!(slowdown.wrong_guess(now + FORGOTTEN_AFTER - Duration::from_secs(1)).0, 6);
        assert_eq!(slowdown.wrong_guess(now + FORGOTTEN_AFTER * 2), (1, FIRST_WAIT));
    }
}
