//! The HTTP face of the [`Service`]: one route for each kind of request, made from the protocol's own table.
//!
//! A handler parses, lets the service answer on a thread that may block, and maps the answer. Whoever shows no
//! valid token is answered before a byte of the body is read.

use std::sync::mpsc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use protocol::wire::{Body, Request, Response};
use protocol::{Problem, ProblemCode};

use crate::accounts::Accounts;
use crate::accounts_error::VerifyError;
use crate::caller::Caller;
use crate::data_dir::Held;
use crate::http_body;
use crate::http_encoding::{self, Encoding};
use crate::http_failure::Failure;
use crate::http_join::join;
use crate::http_limits::{HttpLimits, max_body, memory_for};
use crate::http_log::Seen;
use crate::http_room::Room;
use crate::http_routes::{Needs, Route};
use crate::http_share::Shares;
use crate::http_slowdown::Slowdown;
use crate::service::Service;
use crate::token::Unauthorized;

/// The media type of messages.
pub(crate) const CBOR: &str = "application/cbor";

/// What handlers work with.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) accounts: Accounts,
    service: Service,
    pub(crate) limits: HttpLimits,
    shares: Shares,
    /// Wrong secrets of invites.
    pub(crate) join_guesses: Slowdown,
    /// Memory left for bodies.
    room: Room,
    /// The right to the data directory, given back when the last thread that works on it is done; and last of all
    /// the end of a channel, whose other end learns of that.
    _held: (Held, mpsc::Sender<()>),
}

impl Desk {
    pub(crate) fn new(
        accounts: Accounts,
        service: Service,
        limits: HttpLimits,
        held: (Held, mpsc::Sender<()>),
    ) -> Self {
        let shares = Shares::new(limits.client_requests);
        let room = Room::new(limits.body_memory, limits.body_memory_wait);
        let join_guesses = Slowdown::new(limits.guess_wait);
        Self { accounts, service, limits, shares, join_guesses, room, _held: held }
    }
}

/// All routes; everything else is not found.
pub(crate) fn routes(config: &mut ServiceConfig) {
    for route in Route::all() {
        let method = web::method(Method::from_bytes(route.method.as_bytes()).expect("the table names real methods"));
        let handler = match route.needs {
            Needs::Token => method.to(move |request, payload, desk| post(route.name, request, payload, desk)),
            Needs::Invite => method.to(join),
            Needs::Nothing => method.to(|| async { HttpResponse::Ok().body("ok\n") }),
        };
        let resource = web::resource(route.path()).route(handler);
        config.service(resource.default_service(web::to(move |request, desk| wrong_method(route, request, desk))));
    }
    config.default_service(web::to(not_found));
}

async fn not_found() -> HttpResponse {
    Failure::not_found().into_response()
}

/// Who may not use a route learns nothing of it, whatever the method.
async fn wrong_method(route: Route, request: HttpRequest, desk: Data<Desk>) -> HttpResponse {
    let allowed = match route.needs {
        Needs::Token => authenticate(&request, &desk).await.map(drop),
        Needs::Invite | Needs::Nothing => Ok(()),
    };
    allowed.err().unwrap_or_else(|| Failure::method_not_allowed(route.method)).into_response()
}

async fn post(route: &'static str, request: HttpRequest, payload: Payload, desk: Data<Desk>) -> HttpResponse {
    match answer(route, &request, payload, &desk).await {
        Ok(body) => http_encoding::respond(HttpResponse::Ok().content_type(CBOR), body),
        Err(failure) => failure.into_response(),
    }
}

async fn answer(
    route: &'static str,
    request: &HttpRequest,
    payload: Payload,
    desk: &Data<Desk>,
) -> Result<Body, Failure> {
    let caller = authenticate(request, desk).await?;
    Seen::note(request, |seen| seen.client = Some(caller.client.clone()));
    let encoding = Encoding::of(route, request.headers())?;
    let limit = announced_size(request, max_body(route))?;
    let _share = desk.shares.take(&caller.client)?;
    let _room = desk.room.wait_for(memory_for(route, limit)).await?;
    let body = http_body::read(payload, limit, desk.limits.body_pace).await?;
    Seen::note(request, |seen| seen.bytes = body.len());
    // Bodies that wait for each other's room do so only until their time is over.
    let _more_room = desk.room.wait_for(encoding.unpacked_size(&body, max_body(route))?).await?;
    let arrived = Instant::now();
    let (desk, packs) = (Data::clone(desk), http_encoding::answer_is_packed(route, request.headers()));
    in_background(move || {
        let malformed = |why| Problem::new(ProblemCode::Malformed, format!("the {route} request is not valid: {why}"));
        let message = encoding.unpack(body, max_body(route))?;
        let request = Request::decode(route, &message).map_err(malformed)?;
        drop(message);
        let answer = timed(desk.service.answer(&caller, &request)?, arrived).encode();
        Ok(if packs { Body::pack(answer) } else { Body::Plain(answer) })
    })
    .await
}

/// Tells whoever compresses by the speed of the link how much of the wait was ours.
fn timed(answer: Response, arrived: Instant) -> Response {
    match answer {
        Response::Fill(filled) => Response::Fill(filled.after(arrived.elapsed())),
        other => other,
    }
}

/// Who shows a token. Database and signature are looked at where they hold up nobody else.
async fn authenticate(request: &HttpRequest, desk: &Data<Desk>) -> Result<Caller, Failure> {
    let token = bearer_token(request).ok_or_else(|| unauthorized(Unauthorized::Missing))?.to_owned();
    let desk = Data::clone(desk);
    in_background(move || match desk.accounts.verify(&token) {
        Ok(caller) => Ok(caller),
        Err(VerifyError::Unauthorized(why)) => Err(unauthorized(why)),
        Err(VerifyError::Accounts(error)) => {
            tracing::error!(%error, "tokens cannot be verified, so nobody is let in");
            Err(Problem::new(ProblemCode::Unavailable, "tokens cannot be verified right now"))
        }
    })
    .await
}

fn bearer_token(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthorized(why: Unauthorized) -> Problem {
    Problem::new(ProblemCode::Unauthorized, why)
        .with_hint("`roundsman client issue NAME` on the receiver prints a new token")
}

/// How many bytes the body will have at most: what its head says, if that is within the route's limit.
pub(crate) fn announced_size(request: &HttpRequest, limit: usize) -> Result<usize, Failure> {
    let content_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if content_type.is_none_or(|kind| !kind.eq_ignore_ascii_case(CBOR.as_bytes())) {
        return Err(Failure::unsupported_media_type(CBOR));
    }
    let Some(length) = request.headers().get(header::CONTENT_LENGTH) else { return Ok(limit) };
    match length.to_str().ok().and_then(|digits| digits.parse().ok()) {
        Some(length) if length <= limit => Ok(length),
        _ => Err(http_body::too_large(limit)),
    }
}

/// Does what may block, or panic, on a thread made for that.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Failure> {
    match web::block(work).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            tracing::error!("a request ended in a panic; its message is above");
            Err(Problem::new(ProblemCode::Internal, "something inside the receiver failed; its log says more").into())
        }
    }
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
