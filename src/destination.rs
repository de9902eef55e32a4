//! Where a mirror lies: at a receiver, or in a data directory of this machine.
//!
//! A local data directory is served by one process at a time. Whoever comes first serves it from inside its own command;
//! the others talk to that one, and one of them takes over when it ends.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::ProblemCode;
use protocol::wire::{Request, Response};
use receiver::{Application, DataDir, HoldError, Keeping, Running, Settings, StartError};
use uploader::{Address, HttpSettings, HttpTransport, Pace, Token, Traffic, Transport, TransportError};

/// A data directory of this machine, as a transport.
#[derive(Debug)]
pub(crate) struct LocalTransport {
    data: PathBuf,
    /// How fast to send, whoever serves.
    pace: Option<Arc<Pace>>,
    /// What is kept where this process serves.
    keeping: Keeping,
    link: Mutex<Linked>,
}

#[derive(Debug, Default)]
struct Linked {
    now: Option<Arc<Link>>,
    /// What went over links that are no more.
    past: Traffic,
}

/// A connection to whoever serves the directory; that may be this process. Fields are dropped in this order.
#[derive(Debug)]
struct Link {
    http: HttpTransport,
    _embedded: Option<Running>,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The receiver cannot be started here.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The HTTP client cannot be set up.
    #[error(transparent)]
    Setup(#[from] uploader::SetupError),
    /// Another process holds the directory and does not say where it listens.
    #[error("another process serves {} and cannot be reached from here", data.display())]
    Held {
        /// The data directory.
        data: PathBuf,
    },
    /// What a receiver said of itself is no address or secret.
    #[error("the address that the receiver of {} published is not valid", data.display())]
    Published {
        /// The data directory.
        data: PathBuf,
    },
    /// No thread for the receiver.
    #[error("cannot start the receiver: {0}")]
    Thread(#[source] std::io::Error),
}

impl LocalTransport {
    /// Serves the directory, or reaches who does.
    ///
    /// # Errors
    /// Where the directory cannot be used at all; a server that is just starting or ending is waited for later.
    pub(crate) fn open(data: &Path, pace: Option<Arc<Pace>>, keeping: Keeping) -> Result<Self, LinkError> {
        let now = match connect(data, pace.clone(), keeping.clone()) {
            Ok(link) => Some(Arc::new(link)),
            Err(LinkError::Held { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { data: data.to_owned(), pace, keeping, link: Mutex::new(Linked { now, past: Traffic::default() }) })
    }

    fn linked(&self) -> MutexGuard<'_, Linked> {
        self.link.lock().expect("no holder of this lock panics")
    }

    fn link(&self) -> Result<Arc<Link>, TransportError> {
        let mut linked = self.linked();
        if let Some(link) = &linked.now {
            return Ok(Arc::clone(link));
        }
        let connected = connect(&self.data, self.pace.clone(), self.keeping.clone());
        let link =
            connected.map_err(|error| TransportError::Unreachable { nothing_listens: false, source: error.into() })?;
        Ok(Arc::clone(linked.now.insert(Arc::new(link))))
    }

    /// The link is of no use any more; the next call makes another.
    fn unlink(&self, broken: &Arc<Link>) {
        let mut linked = self.linked();
        if linked.now.as_ref().is_some_and(|now| Arc::ptr_eq(now, broken)) {
            linked.past = sum(linked.past, broken.http.traffic());
            linked.now = None;
        }
    }
}

impl Transport for LocalTransport {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let link = self.link()?;
        match link.http.call(request) {
            Err(error) if link._embedded.is_none() && server_is_gone(&error) => {
                self.unlink(&link);
                Err(TransportError::Interrupted { source: Box::new(error) })
            }
            answer => answer,
        }
    }

    fn traffic(&self) -> Traffic {
        let linked = self.linked();
        linked.now.as_ref().map_or(linked.past, |link| sum(linked.past, link.http.traffic()))
    }
}

/// Nobody answers there any more, or somebody else does, who does not know our secret.
fn server_is_gone(error: &TransportError) -> bool {
    match error {
        TransportError::Unreachable { .. } | TransportError::Interrupted { .. } | TransportError::TimedOut { .. } => {
            true
        }
        TransportError::Problem { problem, .. } => {
            matches!(problem.code, ProblemCode::Unauthorized | ProblemCode::Unavailable)
        }
        TransportError::Protocol(_) | TransportError::Certificate(_) => false,
    }
}

fn connect(data: &Path, pace: Option<Arc<Pace>>, keeping: Keeping) -> Result<Link, LinkError> {
    match Application::build(&Settings { keeping, ..Settings::embedded(data) }) {
        Ok(application) => {
            let running = application.spawn().map_err(LinkError::Thread)?;
            let http = http_to(data, running.url(), running.local_secret().expose())?;
            Ok(Link { http: http.paced(pace), _embedded: Some(running) })
        }
        Err(StartError::Hold(HoldError::Busy { .. })) => {
            let published = DataDir::published(data).ok_or_else(|| LinkError::Held { data: data.to_owned() })?;
            let http = http_to(data, &published.url, published.secret.expose())?;
            Ok(Link { http: http.paced(pace), _embedded: None })
        }
        Err(error) => Err(error.into()),
    }
}

fn http_to(data: &Path, url: &str, secret: &str) -> Result<HttpTransport, LinkError> {
    let invalid = || LinkError::Published { data: data.to_owned() };
    let address = Address::parse(url, false).map_err(|_| invalid())?;
    let token = Token::parse(secret).map_err(|_| invalid())?;
    Ok(HttpTransport::new(address, &token, HttpSettings::default())?)
}

fn sum(a: Traffic, b: Traffic) -> Traffic {
    Traffic {
        requests: a.requests + b.requests,
        bytes_sent: a.bytes_sent + b.bytes_sent,
        bytes_received: a.bytes_received + b.bytes_received,
    }
}
