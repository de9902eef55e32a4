//! What a client had sent before it was killed, and that is done only after the next one made contact.

use std::sync::{Arc, Mutex};

use protocol::wire::{Request, Response};
use uploader::{Traffic, Transport, TransportError};

use super::world::{InProcess, World, write};
use crate::round::Report;

/// A way on which the first commit is under way for long: it arrives when the next round proposes.
#[derive(Debug)]
struct Slow {
    to: Arc<InProcess>,
    under_way: Mutex<Option<Request>>,
}

impl Transport for Slow {
    fn call(&self, request: &Request) -> Result<Response, TransportError> {
        let mut under_way = self.under_way.lock().expect("not poisoned");
        match request {
            Request::Commit(_) if under_way.is_none() => {
                *under_way = Some(request.clone());
                Err(TransportError::Protocol("the client was killed".to_owned()))
            }
            Request::Propose(_) => {
                if let Some(commit) = under_way.as_ref() {
                    self.to.call(commit)?;
                }
                self.to.call(request)
            }
            _ => self.to.call(request),
        }
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

fn round(world: &World, way: &Arc<Slow>) -> Report {
    world.round_over(Arc::clone(way) as Arc<dyn Transport>)
}

#[test]
fn a_commit_that_arrives_after_its_client_was_killed_costs_the_next_round_nothing() {
    let world = World::new(1);
    write(&world, "a", "1");
    world.good_round();
    let way = Arc::new(Slow { to: Arc::clone(&world.transport), under_way: Mutex::default() });
    write(&world, "b", "2");
    assert!(round(&world, &way).failure.is_some(), "killed");
    write(&world, "c", "3");
    let next = round(&world, &way);
    assert!(next.failure.is_none(), "{:?}", next.failure);
    assert_eq!(world.mirrored(), world.in_source());
}
