//! [`Application`]: a receiver as a whole: data directory, accounts, store, listener, and its life from start to stop.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;

use thiserror::Error;
use tokio::sync::watch;

use crate::accounts::{Accounts, AccountsError};
use crate::application_server::{Stop, serve};
use crate::data_dir::{DataDir, HoldError};
use crate::http::Desk;
use crate::http_limits::HttpLimits;
use crate::service::Service;
use crate::store::Store;
use crate::token::Token;

/// What a receiver needs to know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its data directory; made where there is none.
    pub data: PathBuf,
    /// Where it listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Threads that take requests; 0 means one for each processor.
    pub workers: usize,
    /// Whether it may listen where others could listen in.
    pub allow_plaintext: bool,
    /// How much, how many, how long.
    pub limits: HttpLimits,
}

/// Why a receiver cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory is served by another process, or cannot be used.
    #[error(transparent)]
    Hold(#[from] HoldError),
    /// The accounts cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The store cannot be opened.
    #[error("cannot open the store in {}: {source}", .path.display())]
    Store {
        /// Which data directory.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Plain HTTP where others could read tokens and contents on the way.
    #[error(
        "{0} can be reached from other machines, and plain HTTP shows tokens and contents to whoever listens in; \
         listen on 127.0.0.1 behind a proxy or tunnel that encrypts, or allow plain text on purpose"
    )]
    Plaintext(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A receiver that listens but does not answer yet.
pub struct Application {
    desk: actix_web::web::Data<Desk>,
    listener: TcpListener,
    address: SocketAddr,
    secret: Token,
    workers: usize,
    limits: HttpLimits,
    stop: watch::Sender<Stop>,
    released: mpsc::Receiver<()>,
}

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

impl Settings {
    /// For a receiver inside another command: any free port of the loopback interface.
    #[must_use]
    pub fn embedded(data: &Path) -> Self {
        Self::new(data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// With the limits and everything else as the defaults are.
    #[must_use]
    pub fn new(data: &Path, listen: SocketAddr) -> Self {
        Self { data: data.to_owned(), listen, workers: 0, allow_plaintext: false, limits: HttpLimits::default() }
    }
}

impl Application {
    /// Takes the data directory, opens accounts and store, and listens. Requests wait until it runs.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing stays taken after one.
    pub fn build_with<E>(
        settings: &Settings,
        open_store: impl FnOnce(&DataDir) -> Result<Arc<dyn Store>, E>,
    ) -> Result<Self, StartError>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        check_plaintext(settings)?;
        let mut held = DataDir::hold(&settings.data)?;
        let mut accounts = Accounts::open(&settings.data)?;
        let store = open_store(held.data())
            .map_err(|error| StartError::Store { path: settings.data.clone(), source: error.into() })?;
        let (listener, address) = listen(settings.listen)?;
        let secret = accounts.renew_local_secret();
        held.publish(&url_of(address), &secret).map_err(HoldError::from)?;
        let (release, released) = mpsc::channel();
        let service = Service::new(store, settings.limits.told());
        Ok(Self {
            desk: actix_web::web::Data::new(Desk::new(accounts, service, settings.limits.clone(), (held, release))),
            listener,
            address,
            secret,
            workers: settings.workers,
            limits: settings.limits.clone(),
            stop: watch::Sender::new(Stop::No),
            released,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where processes of this machine reach it, as `http://ADDRESS`.
    #[must_use]
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// What lets this process in as the client `local`.
    #[must_use]
    pub fn local_secret(&self) -> &Token {
        &self.secret
    }

    /// Stops it from another thread.
    #[must_use]
    pub fn handle(&self) -> ApplicationHandle {
        ApplicationHandle(self.stop.clone())
    }

    /// Answers requests until its handle stops it. Signals are the caller's business.
    ///
    /// Returns only when nothing of it works on the data directory any more, or after
    /// [`RELEASE`](crate::http_limits::RELEASE): what is not
    /// finished then ends with the process, as in a power cut, and is finished at the next start.
    ///
    /// # Errors
    /// What the listener cannot go on after.
    pub fn run_until_stopped(self) -> io::Result<()> {
        let Self { desk, listener, workers, limits, stop, released, .. } = self;
        let system = actix_web::rt::System::new();
        let ended = system.block_on(serve(desk, listener, workers, &limits, stop.subscribe()));
        drop(system);
        if released.recv_timeout(limits.release) == Err(mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("stopped before every request was finished; the next start finishes what was begun");
        }
        ended
    }

    /// Answers requests in a thread of its own.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub fn spawn(self) -> io::Result<Running> {
        let (url, secret, handle) = (self.url(), self.secret.clone(), self.handle());
        let thread = thread::Builder::new().name("receiver".to_owned()).spawn(|| self.run_until_stopped())?;
        Ok(Running { url, secret, handle, thread: Some(thread) })
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("address", &self.address).finish_non_exhaustive()
    }
}

impl ApplicationHandle {
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

fn check_plaintext(settings: &Settings) -> Result<(), StartError> {
    let allowed = settings.listen.ip().to_canonical().is_loopback() || settings.allow_plaintext;
    if allowed { Ok(()) } else { Err(StartError::Plaintext(settings.listen)) }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let bound = TcpListener::bind(address).and_then(|listener| listener.local_addr().map(|local| (listener, local)));
    bound.map_err(|source| StartError::Listen { address, source })
}

/// Where processes of this machine reach a listener, also one that listens everywhere.
fn url_of(listening: SocketAddr) -> String {
    let ip = match listening.ip() {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    format!("http://{}", SocketAddr::new(ip, listening.port()))
}

#[cfg(test)]
#[path = "application_tests.rs"]
mod tests;
