//! `roundsman receive`: takes in the mirrors of other machines until it is told to stop.

use receiver::{Application, HoldError, Settings, StartError, TreeStoreError};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::settings::{DataSettings, ReceiveSettings};
use crate::stop::Stop;

/// Serves; the address is the first line on stdout, said when it can be reached.
pub(crate) fn receive(data: &DataSettings, settings: &ReceiveSettings, output: &Output) -> Result<Exit, Failure> {
    let stop = Stop::on_signals(Some(Exit::Done))?;
    let mut start = Settings::new(&data.data, settings.listen);
    start.allow_plaintext = settings.allow_plaintext;
    let application = Application::build(&start).map_err(refused)?;
    if settings.allow_plaintext && !settings.listen.ip().is_loopback() {
        tracing::warn!("plain HTTP: whoever listens in on {} can read tokens and contents", settings.listen);
    }
    let handle = application.handle();
    stop.when_asked(move || handle.stop(true))?;
    output.data(format!("listening on {}\n", application.url()).as_bytes());
    application.run_until_stopped()?;
    Ok(Exit::Done)
}

/// What a receiver that cannot start means for whoever starts it.
pub(crate) fn refused(error: StartError) -> Failure {
    match error {
        StartError::Hold(HoldError::Busy { .. }) => {
            Failure::new(Exit::Locked, error).hint("one process serves a data directory; stop the other one first")
        }
        StartError::Listen { .. } => {
            Failure::new(Exit::Usage, error).hint("choose another address: --listen ADDR; port 0 takes a free one")
        }
        StartError::Plaintext(_) | StartError::Store(TreeStoreError::Unfit { .. }) => Failure::new(Exit::Usage, error),
        other => Failure::from(other),
    }
}
