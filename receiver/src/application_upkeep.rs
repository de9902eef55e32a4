//! [`Upkeep`]: the thread in which a store does what is due without anybody asking.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::store::Store;

/// How far apart old history is looked at.
pub(crate) const PAUSE: Duration = Duration::from_secs(60 * 60);
/// How far apart the store is asked to keep up; most of the time there is nothing to do.
const TURN: Duration = Duration::from_secs(10 * 60);

/// A thread that ends when this is dropped, and never in the middle of something.
#[derive(Debug)]
pub(crate) struct Upkeep {
    goes_on: Arc<AtomicBool>,
    wake: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Upkeep {
    /// Begins at once.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub(crate) fn start(store: Arc<dyn Store>) -> io::Result<Self> {
        let goes_on = Arc::new(AtomicBool::new(true));
        let (wake, woken) = channel();
        let going = Arc::clone(&goes_on);
        let thread =
            thread::Builder::new().name("upkeep".to_owned()).spawn(move || keep_up(&*store, &going, &woken))?;
        Ok(Self { goes_on, wake: Some(wake), thread: Some(thread) })
    }
}

fn keep_up(store: &dyn Store, goes_on: &AtomicBool, woken: &Receiver<()>) {
    loop {
        store.keep_up(&|| goes_on.load(Ordering::Relaxed));
        if woken.recv_timeout(TURN) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        drop(self.wake.take());
        if self.thread.take().map(thread::JoinHandle::join).is_some_and(|ended| ended.is_err()) {
            tracing::error!("the thread that removes old history panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryStore;

    #[test]
    fn it_ends_at_once_while_it_waits() {
        let store = MemoryStore::new(protocol::StoreId::from_bytes([1; 16]));
        let upkeep = Upkeep::start(Arc::new(store)).expect("a thread");
        drop(upkeep);
    }
}
