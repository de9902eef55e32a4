//! Signals: the first asks for an end in good order, a second one ends at once.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Exit;

/// An end in good order takes at most this long; then the process ends all the same. What was acknowledged is durable
/// and what arrived is kept, so nothing is lost.
const PATIENCE: Duration = Duration::from_secs(9);

/// Whether to stop, and why.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    asked: Arc<AtomicBool>,
    /// The exit code that goes with the signal; 0 while there was none.
    code: Arc<AtomicU8>,
    changed: Arc<(Mutex<()>, Condvar)>,
}

impl Stop {
    /// Listens for SIGINT and SIGTERM from now on. `in_good_order` is the exit code after one of them where being
    /// stopped is the usual end (a loop, a receiver); without it the signal has its own.
    ///
    /// # Errors
    /// Where the thread that listens cannot be started.
    pub(crate) fn on_signals(in_good_order: Option<Exit>) -> std::io::Result<Self> {
        let stop = Self::default();
        let listener = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _context = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let first = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                };
                listener.ask(in_good_order.unwrap_or(first));
                let last = tokio::select! {
                    _ = interrupt.recv() => Exit::Interrupted,
                    _ = terminate.recv() => Exit::Terminated,
                    () = tokio::time::sleep(PATIENCE) => in_good_order.unwrap_or(first),
                };
                #[expect(clippy::disallowed_methods, reason = "asked twice, or too slow: it must end at once")]
                std::process::exit(last.code().into());
            });
        })?;
        Ok(stop)
    }

    /// Does something, once, when somebody asks to stop.
    ///
    /// # Errors
    /// Where the thread that waits cannot be started.
    pub(crate) fn when_asked(&self, act: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let stop = self.clone();
        let wait = move || {
            stop.wait(None);
            act();
        };
        std::thread::Builder::new().name("stop".to_owned()).spawn(wait).map(drop)
    }

    /// Waits until somebody asks to stop, or for so long.
    pub(crate) fn wait(&self, longest: Option<Duration>) {
        let guard = self.changed.0.lock().expect("no holder of this lock panics");
        let asked = |_: &mut ()| !self.is_asked();
        match longest {
            Some(longest) => drop(self.changed.1.wait_timeout_while(guard, longest, asked)),
            None => drop(self.changed.1.wait_while(guard, asked)),
        }
    }

    fn ask(&self, exit: Exit) {
        self.code.store(exit.code(), Ordering::Relaxed);
        let _changing = self.changed.0.lock().expect("no holder of this lock panics");
        self.asked.store(true, Ordering::Release);
        self.changed.1.notify_all();
    }

    /// The flag that engines look at.
    pub(crate) fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.asked)
    }

    /// Whether somebody asked to stop.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// The exit code of the signal that asked; nothing while there was none.
    pub(crate) fn exit(&self) -> Option<Exit> {
        let code = self.code.load(Ordering::Relaxed);
        self.is_asked().then(|| Exit::ALL.into_iter().find(|exit| exit.code() == code)).flatten()
    }
}
