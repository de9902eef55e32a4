//! [`Parallel`]: work in several threads, or in order on one.
//!
//! With one thread everything happens in order on the caller's own, so that a test sees the same trace every time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::thread;

/// How many threads work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parallel {
    threads: usize,
}

/// The jobs still to do, and who is waiting for one. Work may add to it.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    threads: usize,
}

#[derive(Debug)]
struct State<T> {
    jobs: VecDeque<T>,
    /// Workers without a job; when all are, nothing can come any more.
    idle: usize,
    /// A worker panicked: the others stop, and the panic goes on in the caller.
    abandoned: bool,
}

impl Parallel {
    /// So many threads, at least one.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { threads: threads.max(1) }
    }

    /// Everything in order on the calling thread.
    #[must_use]
    pub const fn in_order() -> Self {
        Self { threads: 1 }
    }

    /// How many threads work.
    #[must_use]
    pub const fn threads(self) -> usize {
        self.threads
    }

    /// Does every job, also those that jobs add while they run; returns when all are done.
    pub fn drain<T: Send>(self, jobs: Vec<T>, work: impl Fn(T, &Queue<T>) + Sync) {
        let state = State { jobs: jobs.into(), idle: 0, abandoned: false };
        let queue = Queue { state: Mutex::new(state), changed: Condvar::new(), threads: self.threads };
        if self.threads == 1 {
            return queue.work(&work);
        }
        thread::scope(|scope| {
            for _ in 0..self.threads {
                scope.spawn(|| queue.work(&work));
            }
        });
    }

    /// Does two things at a time, each on a thread of its own; in order, where one thread does everything.
    pub fn both<A: Send, B: Send>(self, first: impl FnOnce() -> A + Send, second: impl FnOnce() -> B + Send) -> (A, B) {
        if self.threads == 1 {
            return (first(), second());
        }
        thread::scope(|scope| {
            let first = scope.spawn(first);
            let second = second();
            match first.join() {
                Ok(first) => (first, second),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    /// Does one thing for each item.
    pub fn for_each<T: Send>(self, items: Vec<T>, work: impl Fn(T) + Sync) {
        self.drain(items, |item, _| work(item));
    }
}

impl<T> Queue<T> {
    /// Adds a job.
    pub fn push(&self, job: T) {
        self.lock().jobs.push_back(job);
        self.changed.notify_one();
    }

    /// Whether some thread has nothing to do: then a large job should hand off a part of itself.
    #[must_use]
    pub fn is_hungry(&self) -> bool {
        self.threads > 1 && {
            let state = self.lock();
            state.jobs.len() < state.idle
        }
    }

    fn work(&self, work: &(impl Fn(T, &Self) + Sync)) {
        let _stop_others = AbandonOnPanic(self);
        while let Some(job) = self.next() {
            work(job, self);
        }
    }

    fn next(&self) -> Option<T> {
        let mut state = self.lock();
        state.idle += 1;
        loop {
            if state.abandoned {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                state.idle -= 1;
                return Some(job);
            }
            if state.idle == self.threads {
                self.changed.notify_all();
                return None;
            }
            state = self.changed.wait(state).expect("no holder of this lock panics");
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<T>> {
        self.state.lock().expect("no holder of this lock panics")
    }
}

/// Wakes the other workers when one panics, so that nobody waits for it for ever.
struct AbandonOnPanic<'a, T>(&'a Queue<T>);

impl<T> Drop for AbandonOnPanic<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().abandoned = true;
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn one_thread_works_in_order_and_added_jobs_come_last() {
        let seen = Mutex::new(Vec::new());
        Parallel::in_order().drain(vec![1, 2, 3], |job, queue| {
            assert!(!queue.is_hungry());
            seen.lock().expect("not poisoned").push(job);
            if job == 1 {
                queue.push(10);
            }
        });
        assert_eq!(seen.into_inner().expect("not poisoned"), [1, 2, 3, 10]);
    }

    #[test]
    fn several_threads_do_every_job_once_also_added_ones() {
        let done = AtomicUsize::new(0);
        Parallel::new(4).drain((0..100).collect(), |job: usize, queue| {
            done.fetch_add(1, Ordering::Relaxed);
            if job < 100 {
                queue.push(job + 100);
            }
        });
        assert_eq!(done.into_inner(), 200);
    }

    #[test]
    fn both_things_are_done_at_the_same_time_unless_there_is_only_one_thread() {
        let (met, order) = (std::sync::Barrier::new(2), Mutex::new(Vec::new()));
        let both = Parallel::new(2).both(|| met.wait().is_leader(), || met.wait().is_leader());
        assert!(both.0 != both.1, "each waited for the other");
        let say = |word| order.lock().expect("not poisoned").push(word);
        Parallel::in_order().both(|| say(1), || say(2));
        assert_eq!(order.into_inner().expect("not poisoned"), [1, 2]);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_in_one_thread_ends_all_and_reaches_the_caller() {
        Parallel::new(3).for_each((0..100).collect(), |job: usize| assert_ne!(job, 50, "a test's own panic"));
    }
}
