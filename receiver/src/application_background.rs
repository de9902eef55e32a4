//! [`Background`]: what a running receiver does beside requests, each in a thread of its own.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::store::Store;

/// How far apart old history is looked at.
pub(crate) const PAUSE: Duration = Duration::from_secs(60 * 60);
/// How far apart the store is asked to keep up; most of the time there is nothing to do.
const TURN: Duration = Duration::from_secs(10 * 60);
/// How often it is looked whether something has come due for the scrub.
const TICK: Duration = Duration::from_secs(10);

/// A thread that does something again and again; ends when this is dropped, and never in the middle of something.
#[derive(Debug)]
pub(crate) struct Background {
    name: &'static str,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Background {
    /// Does what is due without anybody asking; begins at once.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub(crate) fn upkeep(store: Arc<dyn Store>) -> io::Result<Self> {
        Self::start("upkeep", Duration::ZERO, TURN, move |going| store.keep_up(going))
    }

    /// Reads everything that is kept once in such a time, slowly.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub(crate) fn scrub(store: Arc<dyn Store>, every: Duration) -> io::Result<Self> {
        Self::start("scrub", TICK, TICK, move |going| store.scrub(every, TICK, going))
    }

    /// Does `work` after a while and then so far apart; it asks whether it may go on.
    fn start(
        name: &'static str,
        first: Duration,
        apart: Duration,
        work: impl Fn(&dyn Fn() -> bool) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let going = move |wait| stopped.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout);
        let turns = move || {
            let mut wait = first;
            while going(wait) {
                work(&|| going(Duration::ZERO));
                wait = apart;
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(turns)?;
        Ok(Self { name, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!(thread = self.name, "a thread of the receiver panicked");
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
        let upkeep = Background::upkeep(Arc::new(store)).expect("a thread");
        drop(upkeep);
    }
}
