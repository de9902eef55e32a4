//! `roundsman status`: how this user's mirrors stand. Works beside running rounds, and makes or changes nothing.

use std::path::Path;

use seams::clock::{Clock, SystemClock};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::own_mirrors::OwnMirrors;
use crate::route::shown;
use crate::status::MirrorStatus;

/// Says how each mirror of a state directory stands; one that cannot be read hides no other.
pub(crate) fn status(state_dir: &Path, output: &Output) -> Result<Exit, Failure> {
    let OwnMirrors { mirrors, broken } = OwnMirrors::find(state_dir)?;
    if mirrors.is_empty() && broken.is_empty() {
        output.message(&format!("no round was made yet with the state directory {}", shown(state_dir)));
    }
    let now = SystemClock::new().now();
    let mut failures: Vec<Failure> = broken.into_iter().map(Failure::from).collect();
    for mirror in &mirrors {
        match MirrorStatus::of(mirror) {
            Ok(status) => output.answer(&status.text(now), &status),
            Err(error) => failures.push(error.into()),
        }
    }
    failures.iter().for_each(|failure| output.failure(failure));
    Ok(if failures.is_empty() { Exit::Done } else { Exit::Failed })
}
