//! `roundsman takeover`: a person decides which of two live clients goes on.

use uploader::take_over;

use crate::exit::{Exit, Failure};
use crate::ledger::SnapshotLedger;
use crate::output::Output;
use crate::route::Route;
use crate::settings::{ClientSettings, MirrorSettings};
use crate::stop::Stop;
use crate::visit::Visit;

/// Announces a new lineage for each mirror; whoever wrote it before is fenced.
pub(crate) fn takeover(mirrors: &[MirrorSettings], client: &ClientSettings, output: &Output) -> Result<Exit, Failure> {
    let stop = Stop::on_signals(None)?;
    for settings in mirrors {
        let route = Route::of(settings, &client.state_dir)?;
        let visit = Visit::open(route, settings, client.threads.get())?;
        let (mirror, caller) = (&visit.route().mirror, visit.caller(&stop));
        let ledger = SnapshotLedger(visit.snapshot());
        let taken = take_over(&caller, mirror, &ledger, &seams::random::SystemRandom)?;
        output
            .message(&format!("this client now writes the mirror `{mirror}`, from revision {} on", taken.head.number));
    }
    Ok(Exit::Done)
}
