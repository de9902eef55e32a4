//! What decides about a path, for people: one line a subject.

use protocol::Timestamp;

use super::Why;
use crate::status::{Waiting, subject};

/// The lines of one path at one mirror.
pub(super) fn why(why: &Why, now: Timestamp) -> String {
    let mut text = format!("{} in {} -> {}\n", why.shown, why.source, why.place);
    let mut say = |label: &str, line: Option<String>| text.push_str(&subject(label, line.into_iter().collect()));
    say("verdict", Some(why.reason.clone()));
    say("filter", why.filter.as_ref().map(|rule| format!("left out by {rule}")));
    say("at the mirror", why.at_mirror.as_ref().map(ToString::to_string));
    say("last read", why.last_read.as_ref().map(|read| format!("{}: {read}", read.verified.told(now))));
    say("trust", why.last_read.as_ref().map(|read| read.trust.clone()));
    say("now", why.now.as_ref().map(ToString::to_string));
    say("differs in", Some(why.differing.join(", ")).filter(|parts| !parts.is_empty()));
    say("waits", why.waits.as_ref().map(|waits| waiting(waits, now)));
    say("held", why.held.as_ref().map(|digest| format!("by the list {digest}: `roundsman status` shows it")));
    let acknowledged = why.acknowledged.map(|at| format!("revision {}, {}", why.revision, at.told(now)));
    say("last acknowledged", acknowledged);
    text
}

fn waiting(waits: &Waiting, now: Timestamp) -> String {
    let Waiting { reason, tries, .. } = waits;
    format!("{reason}, since {}; tried {tries} times, next {}", waits.since.told(now), waits.next_try.told(now))
}
