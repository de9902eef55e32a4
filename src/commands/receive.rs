//! `roundsman receive`: takes in the mirrors of other machines until it is told to stop.

use receiver::{Application, HoldError, Settings, StartError, TreeStoreError};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::settings::{DataSettings, ReceiveSettings};
use crate::stop::Stop;

/// Serves; the address is the first line on stdout, said when it can be reached.
pub(crate) fn receive(data: &DataSettings, settings: &ReceiveSettings, output: &Output) -> Result<Exit, Failure> {
    let stop = Stop::on_signals(Some(Exit::Done))?;
    let application = Application::build(&wanted(data, settings)).map_err(refused)?;
    if settings.allow_plaintext && !settings.listen.ip().is_loopback() {
        tracing::warn!("plain HTTP: whoever listens in on {} can read tokens and contents", settings.listen);
    }
    let handle = application.handle();
    stop.when_asked(move || handle.stop(true))?;
    output.data(format!("listening on {}\n", application.url()).as_bytes());
    application.run_until_stopped()?;
    Ok(Exit::Done)
}

/// The receiver that is wanted.
fn wanted(data: &DataSettings, settings: &ReceiveSettings) -> Settings {
    let mut wanted = Settings::new(&data.data, settings.listen);
    wanted.allow_plaintext = settings.allow_plaintext;
    wanted.limits.body_memory = settings.request_memory.get();
    wanted.scrub_every = settings.scrub_every.get();
    wanted
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::value::Value;
    use crate::settings::{RequestMemory, ScrubEvery};

    #[test]
    fn a_receiver_takes_as_much_memory_for_requests_as_it_was_told() {
        let request_memory = RequestMemory::read(&["20MiB".into()]).expect("a size");
        let listen = "127.0.0.1:0".parse().expect("an address");
        let scrub_every = ScrubEvery::read(&["7d".into()]).expect("a time");
        let settings = ReceiveSettings { listen, allow_plaintext: false, request_memory, scrub_every };
        let data = DataSettings { data: "/data".into() };
        assert_eq!(wanted(&data, &settings).limits.body_memory, 20 * 1024 * 1024);
    }
}
