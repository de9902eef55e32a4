//! `roundsman receive`: takes in the mirrors of other machines until it is told to stop.

use std::num::NonZeroU64;
use std::path::Path;

use protocol::ClientName;
use receiver::{Application, DataDir, HoldError, Rebuilt, Settings, StartError, TreeStoreError, rebuild_catalog};
use seams::clock::SystemClock;
use seams::disk::Disk;
use seams::random::SystemRandom;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::route::shown;
use crate::settings::{DataSettings, KeepingSettings, ReceiveSettings};
use crate::stop::Stop;

/// Serves; the address is the first line on stdout, said when it can be reached.
pub(crate) fn receive(
    data: &DataSettings,
    settings: &ReceiveSettings,
    keeping: &KeepingSettings,
    output: &Output,
) -> Result<Exit, Failure> {
    let stop = Stop::on_signals(Some(Exit::Done))?;
    let application = Application::build(&wanted(data, settings, keeping)).map_err(refused)?;
    if settings.allow_plaintext && !settings.listen.ip().is_loopback() {
        tracing::warn!("plain HTTP: whoever listens in on {} can read tokens and contents", settings.listen);
    }
    let handle = application.handle();
    stop.when_asked(move || handle.stop(true))?;
    output.data(format!("listening on {}\n", application.url()).as_bytes());
    application.run_until_stopped()?;
    Ok(Exit::Done)
}

/// Makes new catalogs from the files of the mirrors: of one client, or of all.
pub(crate) fn rebuild(data: &Path, client: Option<&str>, output: &Output) -> Result<Exit, Failure> {
    let unusable = |name: &str| Failure::usage(format!("`{}` is no client's name", protocol::escape(name.as_bytes())));
    let named = client.map(|name| ClientName::parse(name).map_err(|_| unusable(name))).transpose()?;
    let held = DataDir::hold(data).map_err(|error| refused(error.into()))?;
    let root = held.data().root();
    let clients = match named {
        Some(client) => vec![client],
        None => clients_in(root)?,
    };
    for client in clients {
        output.message(&format!("reading every file of the client {client}"));
        let rebuilt = rebuild_catalog(&Disk, root, &client, &SystemClock::new(), &SystemRandom).map_err(|error| {
            Failure::new(Exit::Failed, error).hint("the catalog is as it was; mend that, and run it again")
        })?;
        output.data(told(&client, &rebuilt).as_bytes());
    }
    Ok(Exit::Done)
}

fn told(client: &ClientName, rebuilt: &Rebuilt) -> String {
    let Rebuilt { mirrors, files, bytes, foreign, aside } = rebuilt;
    let aside = aside.as_ref().map_or_else(String::new, |aside| format!("; the old catalog is {}", shown(aside)));
    format!("{client}: {mirrors} mirrors, {files} files, {bytes} bytes, {foreign} old versions{aside}\n")
}

/// Everybody who has a folder here.
fn clients_in(data: &Path) -> Result<Vec<ClientName>, Failure> {
    let mut clients = Vec::new();
    for entry in std::fs::read_dir(data)? {
        let entry = entry?;
        let client = entry.file_name().to_str().and_then(|name| ClientName::parse(name).ok());
        clients.extend(client.filter(|_| entry.path().join(".roundsman").is_dir()));
    }
    clients.sort();
    Ok(clients)
}

/// The receiver that is wanted.
fn wanted(data: &DataSettings, settings: &ReceiveSettings, keeping: &KeepingSettings) -> Settings {
    let mut wanted = Settings::new(&data.data, settings.listen);
    wanted.allow_plaintext = settings.allow_plaintext;
    wanted.limits.body_memory = settings.request_memory.get();
    wanted.keeping = keeping.keeping();
    wanted.scrub_every = settings.scrub_every.get();
    wanted.check_rate = settings.check_rate.and_then(|rate| NonZeroU64::new(rate.bytes()));
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
    use crate::settings::Typed;
    use crate::settings::environment::Environment;

    fn typed(flags: &[&str]) -> Settings {
        let cli = <crate::args::Cli as clap::Parser>::try_parse_from(flags).expect("good flags");
        let crate::args::Command::Receive { flags, .. } = cli.command else { panic!("receive") };
        let typed = Typed::gather(flags.layer, None, &Environment::default()).expect("good settings");
        let (data, receive, keeping) = (typed.data(), typed.receive(), typed.keeping());
        wanted(&data.expect("named"), &receive.expect("defaults"), &keeping.expect("defaults"))
    }

    #[test]
    fn a_receiver_takes_as_much_memory_for_requests_as_it_was_told() {
        let told = typed(&["roundsman", "receive", "--data", "/data", "--request-memory", "20MiB"]);
        assert_eq!(told.limits.body_memory, 20 * 1024 * 1024);
    }

    #[test]
    fn a_receiver_reads_for_checks_as_fast_as_it_was_told() {
        assert_eq!(typed(&["roundsman", "receive", "--data", "/data"]).check_rate, None);
        let told = typed(&["roundsman", "receive", "--data", "/data", "--check-rate", "1MiB"]);
        assert_eq!(told.check_rate, NonZeroU64::new(1024 * 1024));
    }

    #[test]
    fn a_receiver_keeps_as_much_history_as_it_was_told() {
        let usual = typed(&["roundsman", "receive", "--data", "/data"]).keeping.history.expect("it forgets");
        assert_eq!(usual, receiver::Retentions::default());
        let told = typed(&[
            "roundsman",
            "receive",
            "--data",
            "/data",
            "--keep",
            "forever",
            "--client-keep",
            "laptop=1d",
            "--min-free",
            "1GiB",
        ]);
        assert_eq!(told.keeping.min_free, 1 << 30);
        let told = told.keeping.history.expect("it forgets");
        let keep = |name| told.of(&protocol::ClientName::parse(name).expect("a name")).keep;
        assert_eq!([keep("desk"), keep("laptop")], [None, Some(std::time::Duration::from_secs(86_400))]);
    }
}
