//! [`Compressors`]: as many as there are processors. More at a time would gain nothing and cost memory, of which each
//! keeps what its level needs: 16 MiB at level 9, up to 80 MiB at level 19.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard};

use zstd::bulk::Compressor;

/// Compressors that are lent to one thread each.
pub(crate) struct Compressors {
    idle: Mutex<Vec<Compressor<'static>>>,
    returned: Condvar,
    count: usize,
}

impl Compressors {
    /// So many, or fewer where there is no memory for them.
    pub(crate) fn new(count: usize) -> Self {
        let idle: Vec<_> = (0..count.max(1)).filter_map(|_| Compressor::new(1).ok()).collect();
        let count = idle.len();
        Self { idle: Mutex::new(idle), returned: Condvar::new(), count }
    }

    /// Waits for one and works with it; nothing where there is none at all.
    pub(crate) fn lend<T>(&self, work: impl FnOnce(&mut Compressor<'static>) -> T) -> Option<T> {
        if self.count == 0 {
            return None;
        }
        let has_none = |idle: &mut Vec<_>| idle.is_empty();
        let mut idle = self.returned.wait_while(self.idle(), has_none).expect("no holder of this lock panics");
        let mut compressor = idle.pop().expect("was waited for");
        drop(idle);
        let done = work(&mut compressor);
        self.idle().push(compressor);
        self.returned.notify_one();
        Some(done)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Compressor<'static>>> {
        self.idle.lock().expect("no holder of this lock panics")
    }
}

impl fmt::Debug for Compressors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compressors").field("count", &self.count).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use seams::parallel::Parallel;

    use super::*;

    #[test]
    fn never_more_compress_at_a_time_than_there_are() {
        let (compressors, now, most) = (Compressors::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        let text = vec![b'x'; 100_000];
        Parallel::new(8).for_each((0..200).collect(), |_: usize| {
            let packed = compressors.lend(|compressor| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let packed = compressor.compress(&text);
                now.fetch_sub(1, Ordering::SeqCst);
                packed
            });
            assert!(packed.expect("there are two").expect("compresses").len() < 1_000);
        });
        assert!(most.into_inner() <= 2);
    }
}
