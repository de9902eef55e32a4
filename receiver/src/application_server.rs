//! The HTTP server of an [`crate::Application`]: how it is set up, and how it is stopped.

use std::io;
use std::net::TcpListener;
use std::pin::pin;
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
    let server = server(desk, listener, workers, limits)?;
    let handle = server.handle();
    let mut server = pin!(server);
    let draining = async {
        if wait_for(&mut stop, Stop::Drain).await == Stop::Drain {
            // Its future is done when the server is; the command itself is sent by making it.
            rt::spawn(handle.stop(true));
        }
        wait_for(&mut stop, Stop::Now).await
    };
    tokio::select! {
        ended = &mut server => ended,
        _now = draining => Ok(()),
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

fn server(desk: Data<Desk>, listener: TcpListener, workers: usize, limits: &HttpLimits) -> io::Result<Server> {
    let workers = if workers == 0 { available_parallelism()?.get() } else { workers };
    let server = HttpServer::new(move || App::new().app_data(desk.clone()).wrap(from_fn(log)).configure(routes))
        .workers(workers)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .max_connections(limits.connections.div_ceil(workers))
        .keep_alive(limits.keep_alive)
        .client_request_timeout(limits.header_timeout)
        .shutdown_timeout(whole_seconds(limits.drain))
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().max(1)
}
