//! The command `roundsman`: arguments, configuration, one round told top to bottom, output, exit codes.
//!
//! No rule worth a unit test of its own lives here: what differs is decided in `scanner`, what is sent in `uploader`,
//! what is applied in `receiver`.

mod allocator;
mod args;
mod config;
mod duration;
mod settings;

mod commands;
mod destination;
mod invite;
mod joined;
mod json_bytes;
mod ledger;
mod lines;
mod meter;
mod mirror_lock;
mod moments;
mod own_mirrors;
mod past;
mod plan_file;
mod reach;
mod report;
mod restoring;
pub mod round;
mod round_failure;
mod route;
mod snapshot_bases;
mod source_contents;
mod status;
mod stop;
mod verify;
mod visit;
mod way;
mod why;

mod exit;
mod log;
mod output;
mod progress;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use snapshot_db::Decision;

use args::{Cli, Command, ConfigCommand};
use commands::decide::DigestPrefix;
use commands::scan::Rounds;
use exit::{Exit, Failure};
use output::{Output, Terminal};
use progress::Bars;
use settings::environment::Environment;
use settings::layer::Layer;
use settings::{OutputSettings, Typed};

/// Runs the command with these arguments, the program's name first.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    allocator::keep_little();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // Help and version are asked for; anything else clap has to say is a mistake of whoever typed.
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            error.print().unwrap_or_default();
            return exit.into();
        }
    };
    raise_descriptor_limit();
    let exit = perform(cli).unwrap_or_else(|failure| {
        eprint!("{}", failure.report());
        failure.exit
    });
    exit.into()
}

/// Deep trees and many connections want more descriptors than the usual soft limit; the hard one is the administrator's.
/// Where it cannot be raised, less must do.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).unwrap_or_default();
}

fn perform(cli: Cli) -> Result<Exit, Failure> {
    let config = cli.config.as_deref();
    match cli.command {
        Command::Scan { flags } => scan(&gather(flags.layer, config)?),
        Command::Receive { rebuild_catalog: true, client, flags } => {
            with_output(&gather(flags.layer, config)?, |typed, output| {
                commands::receive::rebuild(&typed.data()?.data, client.as_deref(), output)
            })
        }
        Command::Receive { flags, .. } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::receive::receive(&typed.data()?, &typed.receive()?, &typed.keeping()?, output)
        }),
        Command::Client { mut command } => with_output(&gather(command.take_layer(), config)?, |typed, output| {
            commands::client::client(&command, &typed.data()?.data, output)
        }),
        Command::Join { line, allow_plaintext, flags } => with_output(&gather(flags.layer, config)?, |_, output| {
            commands::join::join(&line, allow_plaintext, config, output)
        }),
        Command::Takeover { flags } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::takeover::takeover(&typed.mirrors()?, &typed.client()?, output)
        }),
        Command::History { path, flags } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::history::history(path.as_deref(), &typed.past()?, &typed.client()?.state_dir, output)
        }),
        Command::Restore { paths, flags } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::restore::restore(&paths, &typed.past()?, &typed.restore()?, &typed.client()?, output)
        }),
        Command::Status { flags } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::status::status(&typed.client()?.state_dir, output)
        }),
        Command::Why { path, flags } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::why::why(&path, &typed.client()?.state_dir, output)
        }),
        Command::Verify { flags } => with_output(&gather(flags.layer, config)?, |typed, output| {
            commands::verify::verify(&typed.looked_at()?, &typed.client()?, typed.output()?.verbose > 0, output)
        }),
        Command::Approve { digest, flags } => decide(&digest, Decision::Approved, &gather(flags.layer, config)?),
        Command::Reject { digest, flags } => decide(&digest, Decision::Rejected, &gather(flags.layer, config)?),
        Command::Config { command: ConfigCommand::Check { flags } } => {
            with_output(&gather(flags.layer, config)?, commands::config::check)
        }
        Command::Config { command: ConfigCommand::Show { origin, flags } } => {
            with_output(&gather(flags.layer, config)?, |typed, output| commands::config::show(typed, origin, output))
        }
        Command::Completions { shell } => plainly(|output| Ok(commands::page::completions(shell, output))),
        Command::Man { dir } => plainly(|output| commands::page::man(dir.as_deref(), output)),
    }
}

fn gather(flags: Layer, config: Option<&Path>) -> Result<Typed, Failure> {
    Ok(Typed::gather(flags, config, &Environment::current())?)
}

fn scan(typed: &Typed) -> Result<Exit, Failure> {
    with_output(typed, |typed, output| {
        let (client, mirrors) = typed.rounds()?;
        Rounds { client, keeping: typed.keeping()?, wanted: typed.output()?, output }.make(mirrors)
    })
}

fn decide(digest: &DigestPrefix, decision: Decision, typed: &Typed) -> Result<Exit, Failure> {
    with_output(typed, |typed, output| commands::decide::decide(digest, decision, &typed.client()?.state_dir, output))
}

/// Does something with the log and the output that the settings ask for.
fn with_output(typed: &Typed, act: impl FnOnce(&Typed, &Output) -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let settings = typed.output()?;
    let terminal = Terminal::detect(&Environment::current());
    let bars = Bars::new(terminal.shows_progress(&settings));
    // A dry run creates no file anywhere, a log file included.
    let logged =
        OutputSettings { log_file: settings.log_file.clone().filter(|_| !typed.is_dry_run()), ..settings.clone() };
    log::start(&logged, &bars)?;
    let output = Output::new(&settings, terminal, bars);
    let exit = act(typed, &output).unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit
    });
    output.finish()?;
    Ok(exit)
}

/// The same for commands without settings.
fn plainly(act: impl FnOnce(&Output) -> Result<Exit, Failure>) -> Result<Exit, Failure> {
    let settings = OutputSettings { quiet: false, verbose: 0, json: false, no_color: false, log_file: None };
    let terminal = Terminal::detect(&Environment::current());
    let output = Output::new(&settings, terminal, Bars::new(false));
    let exit = act(&output)?;
    output.finish()?;
    Ok(exit)
}
