//! What is logged of a request, and what never is.

use std::error::Error as StdError;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use actix_web::middleware::from_fn;
use actix_web::web;
use actix_web::{App, HttpResponse, rt, test as act};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// Keeps every event of our own as text.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("writing to a String cannot fail");
    }
}

impl Subscriber for Book {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("receiver")
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("not poisoned").push(line.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Notes what the real handlers note.
async fn answer(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    Seen::note(&request, |seen| seen.client = Some(ClientName::local()));
    Seen::note(&request, |seen| seen.bytes = body.len());
    HttpResponse::Ok().body("four")
}

#[test]
fn a_request_leaves_one_event_with_who_and_what_and_no_secret() -> Result<(), Box<dyn StdError>> {
    let book = Book::default();
    let _guard = tracing::subscriber::set_default(book.clone());
    rt::System::new().block_on(async {
        let app = App::new().wrap(from_fn(log)).route("/v1/commit", web::post().to(answer));
        let app = act::init_service(app).await;
        let ask = |path| act::TestRequest::post().uri(path).insert_header(("Authorization", "Bearer rmt_secret"));
        act::call_service(&app, ask("/v1/commit?token=rmt_secret").set_payload("contents").to_request()).await;
        act::call_service(&app, ask("/v1/rmt_secret%0aforged").to_request()).await;
    });
    let lines = book.0.lock().expect("not poisoned").clone();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let known = r#"DEBUG message=answered client="local" route="/v1/commit" status=200 received=8 sent=4 ms="#;
    assert!(lines[0].starts_with(known), "{}", lines[0]);
    assert!(lines[1].contains(r#"client="-" route="-" status=404"#), "{}", lines[1]);
    assert!(lines.iter().all(|line| !line.contains("rmt_") && !line.contains("contents")), "{lines:?}");
    Ok(())
}
