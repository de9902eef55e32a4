//! [`Flags`]: the settings that a command takes, as clap arguments made from the table of settings.

use std::ffi::OsString;
use std::marker::PhantomData;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::settings::all_keys;
use crate::settings::key::{Flag, Group, Key};
use crate::settings::layer::{Layer, Origin};
use crate::settings::value::Shape;

/// Which families of settings a command takes.
pub(crate) trait Takes {
    /// The families.
    const GROUPS: &'static [Group];
    /// Settings of these that it does not take.
    const WITHOUT: &'static [&'static str] = &[];
}

macro_rules! commands {
    ($($(#[$doc:meta])* $Command:ident: $($group:ident)+;)+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub(crate) enum $Command {}

            impl Takes for $Command {
                const GROUPS: &'static [Group] = &[$(Group::$group),+];
            }
        )+
    };
}

commands! {
    /// `scan`
    ForScan: Mirror Reach Filter Guard Round DryRun State Output Json;
    /// Commands that speak with a receiver about one mirror.
    ForClient: Mirror Reach State Output;
    /// `history`
    ForHistory: Reach Past State Output Json;
    /// `restore`
    ForRestore: Reach Past Restore DryRun State Output Json;
    /// Commands about what the client remembers.
    ForState: State Output Json;
    /// `receive`
    ForReceiver: Data Receive Output;
    /// Commands on a data directory.
    ForData: Data Output;
    /// The same that answer programs, too.
    ForClients: Data Output Json;
    /// `join`
    ForJoin: Output;
    /// Commands on the configuration itself.
    ForConfig: Mirror Reach Past Filter Guard Round DryRun Restore Verify State Data Receive Output Json;
}

/// `verify`: where the mirror lies is said by `--from`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ForVerify {}

impl Takes for ForVerify {
    const GROUPS: &'static [Group] =
        &[Group::Mirror, Group::Reach, Group::Past, Group::Verify, Group::State, Group::Output, Group::Json];
    const WITHOUT: &'static [&'static str] = &["to"];
}

/// The settings given as flags of a command.
#[derive(Debug)]
pub(crate) struct Flags<C> {
    /// Them.
    pub(crate) layer: Layer,
    command: PhantomData<C>,
}

impl<C: Takes> Flags<C> {
    /// The keys it takes, each flag once: one name in two places of the configuration is still one flag.
    fn keys() -> impl Iterator<Item = &'static Key> {
        let taken = |key: &&Key| C::GROUPS.contains(&key.group) && !C::WITHOUT.contains(&key.name);
        let is_first = move |(at, key): &(usize, &'static Key)| {
            all_keys().filter(taken).take(*at).all(|earlier| earlier.name != key.name)
        };
        all_keys().filter(taken).enumerate().filter(is_first).map(|(_, key)| key)
    }
}

impl<C: Takes> Args for Flags<C> {
    fn augment_args(command: Command) -> Command {
        command.args(Self::keys().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<C: Takes> FromArgMatches for Flags<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut layer = Layer::default();
        for key in Self::keys() {
            if let Some(words) = words(key, matches) {
                let refused = |mistake| clap::Error::raw(ErrorKind::ValueValidation, format!("{mistake}\n"));
                layer.put(key, words, Origin::Flag).map_err(refused)?;
            }
        }
        Ok(Self { layer, command: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The argument of a key.
fn argument(key: &Key) -> Arg {
    let named = match key.flag {
        Flag::Positional(placeholder) => Arg::new(key.name).value_name(placeholder),
        Flag::Long(placeholder) => Arg::new(key.name).long(key.long()).value_name(placeholder),
        Flag::Short(letter) => Arg::new(key.name).long(key.long()).short(letter),
    };
    let shaped = match key.shape {
        Shape::Switch => {
            named.action(ArgAction::Set).num_args(0..=1).require_equals(true).default_missing_value("true")
        }
        Shape::Count => return named.action(ArgAction::Count).help(help(key)).help_heading(key.group.heading()),
        Shape::Number | Shape::Text | Shape::Word => named.action(ArgAction::Set),
        Shape::List | Shape::Timetable => named.action(ArgAction::Append),
    };
    let shown = if key.shape == Shape::Switch { shaped.value_name("BOOL") } else { shaped };
    shown.value_parser(checked(key)).help(help(key)).help_heading(key.group.heading())
}

/// Refuses a value of the wrong type in clap's own words, with what was expected.
fn checked(key: &Key) -> impl TypedValueParser<Value = OsString> + use<> {
    let (accepts, expected) = (key.accepts, key.expected);
    OsStringValueParser::new().try_map(move |word| {
        if accepts(std::slice::from_ref(&word)) { Ok(word) } else { Err(format!("expected {expected}")) }
    })
}

fn help(key: &Key) -> String {
    match key.default {
        "" | "false" | "0" => key.why.to_owned(),
        default => format!("{} [default: {default}]", key.why),
    }
}

/// What was typed for a key; nothing if it was not given.
fn words(key: &Key, matches: &ArgMatches) -> Option<Vec<OsString>> {
    match key.shape {
        Shape::Count => {
            Some(matches.get_count(key.name)).filter(|count| *count > 0).map(|n| vec![n.to_string().into()])
        }
        _ => matches.get_many::<OsString>(key.name).map(|words| words.cloned().collect()),
    }
}
