//! [`Running`]: an application in a thread of its own, and [`ApplicationHandle`], which stops one.

use std::io;
use std::thread;

use tokio::sync::watch;

use crate::application::Application;
use crate::application_server::Stop;
use crate::token::Token;

/// Stops an application from any thread.
#[derive(Debug, Clone)]
pub struct ApplicationHandle(watch::Sender<Stop>);

/// An application that runs in a thread of its own; stopped on drop.
#[derive(Debug)]
pub struct Running {
    url: String,
    secret: Token,
    handle: ApplicationHandle,
    thread: Option<thread::JoinHandle<io::Result<()>>>,
}

impl ApplicationHandle {
    pub(crate) fn new(stop: watch::Sender<Stop>) -> Self {
        Self(stop)
    }

    /// Stops the application; a second call can only hasten it. Does not wait.
    ///
    /// Gracefully means: nothing new is taken, and requests in flight may finish, for at most
    /// [`DRAIN`](crate::http_limits::DRAIN).
    pub fn stop(&self, graceful: bool) {
        let stop = if graceful { Stop::Drain } else { Stop::Now };
        self.0.send_modify(|before| *before = stop.max(*before));
    }
}

impl Running {
    /// Runs an application in a thread of its own.
    pub(crate) fn start(application: Application) -> io::Result<Self> {
        let (url, secret) = (application.url(), application.local_secret().clone());
        let handle = application.handle();
        let thread = thread::Builder::new().name("receiver".to_owned()).spawn(|| application.run_until_stopped())?;
        Ok(Self { url, secret, handle, thread: Some(thread) })
    }

    /// Where it is reached.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What lets this process in as the client `local`.
    #[must_use]
    pub fn local_secret(&self) -> &Token {
        &self.secret
    }

    /// Stops it from another thread.
    #[must_use]
    pub fn handle(&self) -> ApplicationHandle {
        self.handle.clone()
    }

    /// Stops it gracefully and waits until it has ended.
    ///
    /// # Errors
    /// What it ended with, if it ended by itself before.
    pub fn stop(mut self) -> io::Result<()> {
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        self.handle.stop(true);
        match self.thread.take().map(thread::JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(io::Error::other("the receiver panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(%error, "the embedded receiver ended badly");
        }
    }
}
