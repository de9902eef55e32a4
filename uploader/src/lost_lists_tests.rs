//! Lists come in pages, and a receiver that answers nonsense is not asked for ever.

use std::sync::{Arc, Mutex};

use chunking::Cutter;
use protocol::wire::{Request, Response};
use protocol::{Problem, ProblemCode};

use super::*;
use crate::TransportError;
use crate::test_support::{Client, ModelReceiver, Script};

fn parameters() -> Parameters {
    Parameters::with_mean(256).expect("a good mean")
}

fn list(bytes: &[u8]) -> ChunkList {
    let mut cutter = Cutter::new(parameters());
    cutter.feed(bytes);
    cutter.finish().expect("a short list")
}

fn text(seed: u8) -> Vec<u8> {
    (0..2_000u32).flat_map(|word| format!("{seed} {} ", word * 7_919).into_bytes()).collect()
}

fn id(seed: u8) -> ContentId {
    ContentId::of(&text(seed))
}

/// Asks a scripted receiver for the lists of the first texts; also tells how many requests that took.
fn ask_for(
    texts: u8,
    mut answer: impl FnMut(&Chunks) -> Result<ChunksPage, Problem> + Send + 'static,
) -> (Result<HashMap<ContentId, ChunkList>, CallError>, usize) {
    let count = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&count);
    let script = Script::new(&ModelReceiver::new(), move |request| {
        let Request::Chunks(chunks) = request else { return None };
        *counted.lock().expect("not poisoned") += 1;
        let answered = answer(chunks).map(Response::Chunks);
        Some(answered.map_err(|problem| TransportError::Problem { problem, retry_after: None }))
    });
    let client = Client::new(1, script);
    let found = ask(&client.caller(), &client.mirror, (0..texts).map(|seed| (id(seed), parameters())));
    (found, *count.lock().expect("not poisoned"))
}

/// What a receiver answers that holds some texts, and reads a few bytes for one request.
fn page(request: &Chunks, held: &[u8], most: usize) -> ChunksPage {
    let mut lists = Vec::new();
    for query in &request.wanted {
        let Some(seed) = held.iter().find(|seed| id(**seed) == query.content) else {
            lists.push(Chunked { list: None, next: None });
            continue;
        };
        let (bytes, from) = (text(*seed), usize::try_from(query.from).expect("small"));
        let end = bytes.len().min(from + most);
        let mut cutter = Cutter::new(Parameters::with_mean(query.mean).expect("a good mean"));
        cutter.feed(&bytes[from..end]);
        let next = (end < bytes.len()).then(|| query.from + cutter.cut_to());
        let list = if next.is_some() { cutter.pause() } else { cutter.finish() };
        lists.push(Chunked { list: list.map(|list| list.as_bytes().to_vec().into()), next });
        break;
    }
    ChunksPage { lists }
}

#[test]
fn lists_are_put_together_from_their_pages_and_are_those_that_the_client_would_have_made() {
    let (found, requests) = ask_for(4, |request| Ok(page(request, &[0, 2, 3], 9_000)));
    let found = found.expect("a well receiver");
    assert_eq!(found.len(), 3, "one is not held");
    assert!([0, 2, 3].iter().all(|seed| found[&id(*seed)] == list(&text(*seed))));
    assert!(requests >= 6, "{requests}");
}

#[test]
fn a_receiver_that_refuses_the_question_is_not_asked_again() {
    let refused = |_: &Chunks| Err(Problem::new(ProblemCode::NotFound, "no such route"));
    let (found, requests) = ask_for(3, refused);
    assert_eq!((found.expect("no error").len(), requests), (0, 1));
}

#[test]
fn answers_that_lead_nowhere_are_contradictions() {
    let nowhere = |lists: Vec<Chunked>| {
        let (found, requests) = ask_for(2, move |_| Ok(ChunksPage { lists: lists.clone() }));
        assert!(matches!(found, Err(CallError::Protocol(_))), "{found:?}");
        assert_eq!(requests, 1);
    };
    let chunked = |list: &[u8], next| Chunked { list: Some(list.to_vec().into()), next };
    nowhere(Vec::new());
    nowhere(vec![chunked(&[], None); 3]);
    nowhere(vec![chunked(&[2], None)]);
    nowhere(vec![chunked(&[], Some(0))]);
    nowhere(vec![chunked(list(&text(0)).as_bytes(), Some(7))]);
}
