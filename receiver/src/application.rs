//! [`Application`]: a receiver as a whole: data directory, accounts, store, listener, and its life from start to stop.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use seams::clock::SystemClock;
use seams::disk::Disk;
use tokio::sync::watch;

use crate::accounts::Accounts;
use crate::application_background::{Background, PAUSE};
use crate::application_running::{ApplicationHandle, Running};
use crate::application_server::{Stop, serve};
use crate::application_settings::{Settings, StartError};
use crate::data_dir::{DataDir, HoldError};
use crate::http::Desk;
use crate::http_limits::HttpLimits;
use crate::service::Service;
use crate::store::Store;
use crate::token::Token;
use crate::tree_store::{Catalogs, TreeStore, TreeStoreError};

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
    store: Arc<dyn Store>,
    scrub_every: Option<Duration>,
}

impl Application {
    /// Takes the data directory, opens accounts and store, and listens. Requests wait until it runs.
    ///
    /// # Errors
    /// See [`StartError`]. Nothing stays taken after one.
    pub fn build(settings: &Settings) -> Result<Self, StartError> {
        Self::build_with(settings, |data| {
            let clock = Arc::new(SystemClock::new());
            let store = TreeStore::open(&Disk, data.root(), data.store(), Catalogs::OnDisk, clock)?;
            Ok(Arc::new(store.keeping(settings.keeping.clone(), PAUSE).checking_at(settings.check_rate)))
        })
    }

    /// The same with a store of the caller's choice.
    ///
    /// # Errors
    /// As [`Self::build`].
    pub fn build_with(
        settings: &Settings,
        open_store: impl FnOnce(&DataDir) -> Result<Arc<dyn Store>, TreeStoreError>,
    ) -> Result<Self, StartError> {
        settings.check_plaintext()?;
        let mut held = DataDir::hold(&settings.data)?;
        let mut accounts = Accounts::open(&settings.data)?;
        let store = open_store(held.data())?;
        let (listener, address) = listen(settings.listen)?;
        let secret = accounts.renew_local_secret();
        held.publish(&url_of(address), &secret).map_err(HoldError::from)?;
        let (release, released) = mpsc::channel();
        let service = Service::new(Arc::clone(&store), settings.limits.told());
        Ok(Self {
            desk: actix_web::web::Data::new(Desk::new(accounts, service, settings.limits.clone(), (held, release))),
            listener,
            address,
            secret,
            workers: settings.workers,
            limits: settings.limits.clone(),
            stop: watch::Sender::new(Stop::No),
            released,
            store,
            scrub_every: settings.scrub_every,
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
        ApplicationHandle::new(self.stop.clone())
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
        let Self { desk, listener, workers, limits, stop, released, store, scrub_every, .. } = self;
        let upkeep = Background::upkeep(Arc::clone(&store))?;
        let scrub = scrub_every.map(|every| Background::scrub(store, every)).transpose()?;
        let system = actix_web::rt::System::new();
        let ended = system.block_on(serve(desk, listener, workers, &limits, stop.subscribe()));
        drop((upkeep, scrub));
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
        Running::start(self)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("address", &self.address).finish_non_exhaustive()
    }
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
