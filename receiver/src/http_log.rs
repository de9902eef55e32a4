//! One structured event for each request: who, what, how it went. Never tokens, contents or names from a body.

use std::time::Instant;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest};
use protocol::ClientName;

/// What a handler learned about its request, for the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Whose token it showed.
    pub(crate) client: Option<ClientName>,
    /// How long its body was, in bytes.
    pub(crate) bytes: usize,
}

impl Seen {
    /// Notes something about a request.
    pub(crate) fn note(request: &HttpRequest, note: impl FnOnce(&mut Self)) {
        let mut extensions = request.extensions_mut();
        let mut seen = extensions.remove::<Self>().unwrap_or_default();
        note(&mut seen);
        extensions.insert(seen);
    }
}

/// Logs each request when it is answered. Only values of our own go into the event, so there is nothing to escape:
/// checked names, the router's own patterns, numbers.
pub(crate) async fn log(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let began = Instant::now();
    let response = next.call(request).await?;
    let seen = response.request().extensions().get::<Seen>().cloned().unwrap_or_default();
    let client = seen.client.as_ref().map_or("-", ClientName::as_str);
    let route = response.request().match_pattern();
    let route = route.as_deref().unwrap_or("-");
    let status = response.status().as_u16();
    let received = seen.bytes;
    let sent = match response.response().body().size() {
        BodySize::Sized(bytes) => bytes,
        BodySize::None | BodySize::Stream => 0,
    };
    let ms = began.elapsed().as_millis();
    match status {
        ..=399 => tracing::debug!(client, route, status, received, sent, ms, "answered"),
        401 | 403 | 500.. => tracing::warn!(client, route, status, received, sent, ms, "not answered"),
        _ => tracing::info!(client, route, status, received, sent, ms, "not answered"),
    }
    Ok(response)
}

#[cfg(test)]
#[path = "http_log_tests.rs"]
mod tests;
