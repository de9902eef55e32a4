//! [`Scrubbing`]: the thread in which a receiver reads again, slowly, everything that it keeps.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use crate::store::Store;

/// How often it is looked whether something has come due.
const TICK: Duration = Duration::from_secs(10);

/// The scrub of a running receiver; ends when dropped.
#[derive(Debug)]
pub(crate) struct Scrubbing {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Scrubbing {
    /// Begins, if everything is to be read once in such a time.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub(crate) fn start(store: Arc<dyn Store>, every: Option<Duration>) -> io::Result<Self> {
        let Some(every) = every else { return Ok(Self { stop: None, thread: None }) };
        let (stop, stopped) = mpsc::channel::<()>();
        let going = move |wait| stopped.recv_timeout(wait) == Err(mpsc::RecvTimeoutError::Timeout);
        let scrub = move || {
            while going(TICK) {
                store.scrub(every, TICK, &|| going(Duration::ZERO));
            }
        };
        let thread = thread::Builder::new().name("scrub".to_owned()).spawn(scrub)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Scrubbing {
    fn drop(&mut self) {
        self.stop.take();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the scrub ended badly");
        }
    }
}
