//! [`Failure`]: an answer that is an error, as HTTP shows it: a problem document (RFC 9457).

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use protocol::{Problem, ProblemCode};
use serde::Serialize;

use crate::http_limits::RETRY_AFTER;

/// The media type of problem documents.
const PROBLEM_JSON: &str = "application/problem+json";

/// A problem and the status that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    problem: Problem,
    /// What would have been right, as the header that says so.
    right: Option<(HeaderName, &'static str)>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    #[serde(flatten)]
    problem: &'a Problem,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, problem, right: None }
    }
}

impl Failure {
    /// There is no such thing here.
    pub(crate) fn not_found() -> Self {
        Problem::new(ProblemCode::NotFound, "there is no such route")
            .with_hint("is this the address of a roundsman receiver, of a version that the client knows?")
            .into()
    }

    /// There is, but only this method is how to ask.
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Self {
        let problem = Problem::new(ProblemCode::Malformed, format!("this route takes only {allowed}"));
        Self { status: StatusCode::METHOD_NOT_ALLOWED, problem, right: Some((header::ALLOW, allowed)) }
    }

    /// The body is of no kind that is understood here.
    pub(crate) fn unsupported_media_type(expected: &str) -> Self {
        let problem = Problem::new(ProblemCode::Malformed, format!("the body must be {expected}"));
        Self { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, problem, right: None }
    }

    /// The body is encoded in a way that is not understood here, or not on its route.
    pub(crate) fn unsupported_encoding(accepted: &'static str) -> Self {
        let detail = format!("the body's content encoding is not understood here: it may only be {accepted}");
        let (status, problem) = (StatusCode::UNSUPPORTED_MEDIA_TYPE, Problem::new(ProblemCode::Malformed, detail));
        Self { status, problem, right: Some((header::ACCEPT_ENCODING, accepted)) }
    }

    /// The peer took too long. The same request may well succeed later.
    pub(crate) fn request_timeout(detail: String) -> Self {
        let problem = Problem::new(ProblemCode::Unavailable, detail);
        Self { status: StatusCode::REQUEST_TIMEOUT, problem, right: None }
    }

    /// As HTTP shows it.
    pub(crate) fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.content_type(PROBLEM_JSON);
        match self.status {
            StatusCode::UNAUTHORIZED => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, RETRY_AFTER.as_secs()))
            }
            // What is left of its body will not come.
            StatusCode::REQUEST_TIMEOUT => response.force_close(),
            _ => &mut response,
        };
        if let Some(right) = &self.right {
            response.insert_header(right.clone());
        }
        response.body(self.document())
    }

    fn document(&self) -> Vec<u8> {
        let title = self.status.canonical_reason().unwrap_or("Problem");
        let document = Document { r#type: "about:blank", title, status: self.status.as_u16(), problem: &self.problem };
        serde_json::to_vec(&document).expect("strings and a number are always JSON")
    }
}
