//! [`HttpTransport`]: requests as HTTP/1.1 posts on kept-alive connections.
//!
//! The only place with a tokio runtime. Any thread may call; each blocks until its own answer is there.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use protocol::limits::MAX_REQUEST_BYTES;
use protocol::wire::{Body, Request, Response, ZSTD, ZSTD_BODIES, may_be_packed};
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap,
    HeaderValue, USER_AGENT,
};
use reqwest::{Client, redirect};
use thiserror::Error;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

use crate::http_answer::{Answered, head_bytes};
use crate::http_error::classify;
use crate::pace::Pace;
use crate::paced_body::{HeldBack, PacedBody};
use crate::{Address, Token, Traffic, Transport, TransportError};

/// Most bytes of an answer's body that are read, and that it may have unpacked.
const MAX_RESPONSE_BYTES: usize = MAX_REQUEST_BYTES;
/// A link slower than this, in bytes per second, counts as broken: a request may take that much longer.
const SLOWEST_BYTES_PER_SECOND: u64 = 16 * 1024;
const CBOR: HeaderValue = HeaderValue::from_static("application/cbor");
const PACKED: HeaderValue = HeaderValue::from_static(ZSTD);

/// How connections are made and how long is waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpSettings {
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How long an answer may take once the request is there; a commit is answered when it is durable.
    pub answer_timeout: Duration,
    /// How many idle connections are kept.
    pub idle_connections: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(300),
            idle_connections: 16,
        }
    }
}

/// Why the HTTP client could not be set up.
#[derive(Debug, Error)]
pub enum SetupError {
    /// No thread or descriptor for its runtime.
    #[error("cannot start the HTTP client")]
    Runtime(#[source] std::io::Error),
    /// Mostly the system's certificates.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Calls one receiver over HTTP.
#[derive(Debug)]
pub struct HttpTransport {
    runtime: Runtime,
    client: Client,
    address: Address,
    headers: HeaderMap,
    settings: HttpSettings,
    pace: Option<Arc<Pace>>,
    /// Whether the receiver's last hello says that it takes packed requests.
    takes_packed: AtomicBool,
    counted: Counted,
}

/// A request ready to go.
struct Outgoing {
    request: reqwest::Request,
    /// What it takes on the wire.
    bytes: u64,
    /// How long its answer may take, but for what its body is held back.
    deadline: Duration,
    held_back: HeldBack,
}

#[derive(Debug, Default)]
struct Counted {
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl HttpTransport {
    /// Sets up a client; nothing is sent yet.
    ///
    /// # Errors
    /// Where the system gives no thread, or its certificates cannot be read.
    ///
    /// # Panics
    /// Never: a [`Token`] holds visible ASCII only.
    pub fn new(address: Address, token: &Token, settings: HttpSettings) -> Result<Self, SetupError> {
        let headers = headers(&address, Some(token));
        Self::with_headers(address, headers, settings)
    }

    /// The same for who has no token yet.
    pub(crate) fn without_token(address: Address, settings: HttpSettings) -> Result<Self, SetupError> {
        let headers = headers(&address, None);
        Self::with_headers(address, headers, settings)
    }

    fn with_headers(address: Address, headers: HeaderMap, settings: HttpSettings) -> Result<Self, SetupError> {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime =
            runtime.worker_threads(1).thread_name("http").enable_all().build().map_err(SetupError::Runtime)?;
        let client = client(&address, settings).map_err(SetupError::Client)?;
        let (takes_packed, counted) = (AtomicBool::new(false), Counted::default());
        Ok(Self { runtime, client, address, headers, settings, pace: None, takes_packed, counted })
    }

    /// The same at this pace, with whatever else keeps to it.
    #[must_use]
    pub fn paced(self, pace: Option<Arc<Pace>>) -> Self {
        Self { pace, ..self }
    }

    /// Posts a plain body to a route that is no request of the protocol's own; its answer.
    pub(crate) fn post(&self, route: &str, body: Vec<u8>) -> Result<Vec<u8>, TransportError> {
        self.exchange(self.request(route, Body::Plain(body))?)?.into_message(MAX_RESPONSE_BYTES)
    }

    fn request(&self, route: &str, body: Body) -> Result<Outgoing, TransportError> {
        let mut headers = self.headers.clone();
        let body = match body {
            Body::Plain(message) => message,
            Body::Zstd(frame) => {
                headers.insert(CONTENT_ENCODING, PACKED);
                frame
            }
        };
        let length = body.len() as u64;
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        let deadline = self.settings.answer_timeout + Duration::from_secs(length / SLOWEST_BYTES_PER_SECOND);
        let held_back = HeldBack::default();
        let body = match &self.pace {
            Some(pace) => reqwest::Body::wrap(PacedBody::new(body, Arc::clone(pace), held_back.clone())),
            None => body.into(),
        };
        let request = self.client.post(self.address.route(route)).headers(headers);
        let request = request.body(body).build().map_err(classify)?;
        let bytes = head_bytes_of(&request) + length;
        Ok(Outgoing { request, bytes, deadline, held_back })
    }

    /// A request as this receiver takes it.
    fn body(&self, request: &Request) -> Body {
        let message = request.encode();
        let packs = may_be_packed(request.route()) && self.takes_packed.load(Ordering::Relaxed);
        if packs { Body::pack(message) } else { Body::Plain(message) }
    }

    /// What the answer says of the next requests.
    fn heed(&self, response: &Response) {
        if let Response::Hello(hello) = response {
            let takes_packed = hello.features.iter().any(|feature| feature == ZSTD_BODIES);
            self.takes_packed.store(takes_packed, Ordering::Relaxed);
        }
    }

    /// One exchange, counted. What a failed one sent is counted whole, unless there was no connection.
    fn exchange(&self, outgoing: Outgoing) -> Result<Answered, TransportError> {
        let Outgoing { request, bytes: sent, deadline, held_back } = outgoing;
        let answered = self.runtime.block_on(within(deadline, &held_back, post(&self.client, request)));
        if !matches!(answered, Err(TransportError::Unreachable { .. } | TransportError::Certificate(_))) {
            self.counted.requests.fetch_add(1, Ordering::Relaxed);
            self.counted.sent.fetch_add(sent, Ordering::Relaxed);
        }
        if let Ok(answered) = &answered {
            self.counted.received.fetch_add(answered.bytes(), Ordering::Relaxed);
        }
        answered
    }
}

impl Transport for HttpTransport {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let route = request.route();
        let answered = self.exchange(self.request(route, self.body(request))?)?;
        tracing::debug!(route, status = answered.status.as_u16(), bytes = answered.body.len(), "answered");
        let message = answered.into_message(MAX_RESPONSE_BYTES)?;
        let not_understood = |error| TransportError::Protocol(format!("answer to {route}: {error}"));
        let response = Response::decode(route, &message).map_err(not_understood)?;
        self.heed(&response);
        Ok(response)
    }

    fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.counted.requests.load(Ordering::Relaxed),
            bytes_sent: self.counted.sent.load(Ordering::Relaxed),
            bytes_received: self.counted.received.load(Ordering::Relaxed),
        }
    }
}

/// Loopback never goes through a proxy, and certificates are only read where TLS is spoken.
fn client(address: &Address, settings: HttpSettings) -> Result<Client, reqwest::Error> {
    let mut client = Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .tcp_nodelay(true)
        .connect_timeout(settings.connect_timeout)
        .pool_max_idle_per_host(settings.idle_connections);
    if address.is_loopback() {
        client = client.no_proxy();
    }
    if address.is_plaintext() {
        client = client.tls_certs_only([]);
    }
    client.build()
}

/// Every header of every request, but for those of its body: set by us, so that they can be counted.
fn headers(address: &Address, token: Option<&Token>) -> HeaderMap {
    let host = HeaderValue::from_str(&address.authority()).expect("a parsed URL has an ASCII host");
    let agent = HeaderValue::from_static(concat!("roundsman/", env!("CARGO_PKG_VERSION")));
    let bearer = token.map(|token| (AUTHORIZATION, bearer(token)));
    let who = bearer.into_iter().chain([(HOST, host), (USER_AGENT, agent)]);
    who.chain([(ACCEPT, CBOR), (ACCEPT_ENCODING, PACKED), (CONTENT_TYPE, CBOR)]).collect()
}

fn bearer(token: &Token) -> HeaderValue {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.secret())).expect("a token is visible ASCII");
    bearer.set_sensitive(true);
    bearer
}

/// Waits for an answer, and for as long again as its request was held back.
async fn within(
    deadline: Duration,
    held_back: &HeldBack,
    answer: impl Future<Output = Result<Answered, TransportError>>,
) -> Result<Answered, TransportError> {
    let began = Instant::now();
    tokio::pin!(answer);
    loop {
        let left = (deadline + held_back.so_far()).saturating_sub(began.elapsed());
        if left.is_zero() {
            return Err(TransportError::TimedOut { source: format!("nothing came within {deadline:?}").into() });
        }
        tokio::select! {
            answered = &mut answer => return answered,
            () = sleep(left) => {}
        }
    }
}

/// Sends a request and reads its answer whole, within bounds.
async fn post(client: &Client, request: reqwest::Request) -> Result<Answered, TransportError> {
    let mut response = client.execute(request).await.map_err(classify)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(classify)? {
        if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(TransportError::Protocol(format!("an answer of more than {MAX_RESPONSE_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answered { status: response.status(), headers: response.headers().clone(), body })
}

/// What the head of a request takes on the wire.
fn head_bytes_of(request: &reqwest::Request) -> u64 {
    (format!("POST {} HTTP/1.1", request.url().path()).len() + head_bytes(request.headers())) as u64
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
