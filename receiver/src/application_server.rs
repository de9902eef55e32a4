//! The HTTP server of an [`crate::Application`]: how it is set up, and how it is stopped.

use std::io;
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer, rt};
use tokio::sync::watch;

use crate::http::{Desk, routes};
use crate::http_limits::{BLOCKING_THREADS, HttpLimits};
use crate::http_log::log;

/// How urgently to stop. Only ever grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// Not at all.
    No,
    /// When requests in flight are answered.
    Drain,
    /// At once.
    Now,
}

/// Answers requests until told to stop.
pub(crate) async fn serve(
    desk: Data<Desk>,
    listener: TcpListener,
    workers: usize,
    limits: &HttpLimits,
    mut stop: watch::Receiver<Stop>,
) -> io::Result<()> {
    let connections = Connections::default();
    let server = server(desk, listener, workers, limits, &connections)?;
    let handle = server.handle();
    let stopped = async {
        if wait_for(&mut stop, Stop::Drain).await == Stop::Drain {
            // The command is given by making this future; it ends when the server does.
            rt::spawn(handle.stop(true));
            tokio::select! {
                _now = wait_for(&mut stop, Stop::Now) => {}
                // The server itself looks only once a second whether all have gone.
                () = connections.all_closed() => {}
            }
        }
    };
    tokio::select! {
        ended = server => ended,
        // Dropping the server stops it at once.
        () = stopped => Ok(()),
    }
}

/// Waits until stopping is at least so urgent.
async fn wait_for(stop: &mut watch::Receiver<Stop>, least: Stop) -> Stop {
    match stop.wait_for(|stop| *stop >= least).await {
        Ok(stop) => *stop,
        // Nobody is left who could stop it.
        Err(_) => std::future::pending().await,
    }
}

/// Counts open connections.
#[derive(Debug, Clone)]
struct Connections(watch::Sender<usize>);

/// One open connection: lives in its extensions, and ends with them.
struct OpenConnection(Connections);

impl Default for Connections {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Connections {
    fn one_more(&self) -> OpenConnection {
        self.0.send_modify(|count| *count += 1);
        OpenConnection(self.clone())
    }

    async fn all_closed(&self) {
        let counted = self.0.subscribe().wait_for(|count| *count == 0).await.map(drop);
        counted.expect("this sender outlives its own method");
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

fn server(
    desk: Data<Desk>,
    listener: TcpListener,
    workers: usize,
    limits: &HttpLimits,
    connections: &Connections,
) -> io::Result<Server> {
    let workers = if workers == 0 { available_parallelism()?.get() } else { workers };
    let connections = connections.clone();
    let server = HttpServer::new(move || App::new().app_data(desk.clone()).wrap(from_fn(log)).configure(routes))
        .on_connect(move |_, extensions| drop(extensions.insert(connections.one_more())))
        .workers(workers)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .max_connections(limits.connections.div_ceil(workers))
        .keep_alive(limits.keep_alive)
        .client_request_timeout(limits.header_timeout)
        .shutdown_timeout(whole_seconds(limits.drain))
        .tcp_nodelay(true)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}
