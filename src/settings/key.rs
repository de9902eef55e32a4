//! [`Key`]: one row of the table of settings. Flag, variable, configuration key, help and default all come from it.

use std::ffi::OsString;

use super::value::{Paths, Shape, Value};

/// One setting, as it is named everywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// The configuration key; flag and variable are derived from it.
    pub(crate) name: &'static str,
    /// One line of why.
    pub(crate) why: &'static str,
    /// The default as it would be typed; empty where there is none, or where it depends on the machine.
    pub(crate) default: &'static str,
    /// How its flag looks.
    pub(crate) flag: Flag,
    /// Where it stands in the configuration file.
    pub(crate) scope: Scope,
    /// Which commands take it, and under which heading their help shows it.
    pub(crate) group: Group,
    /// How its values look.
    pub(crate) shape: Shape,
    /// What to type, for people who typed something else.
    pub(crate) expected: &'static str,
    /// Whether values are paths.
    pub(crate) paths: Paths,
    /// Whether these words are a value of its type.
    pub(crate) accepts: fn(&[OsString]) -> bool,
    /// Two different values, for the test over every key.
    #[cfg(test)]
    pub(crate) samples: [&'static str; 2],
}

/// Where a key may stand in the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// At the top.
    Top,
    /// In a `[[mirror]]`, or at the top for all mirrors.
    Mirror,
    /// In a `[[mirror]]` only: it tells mirrors apart.
    OneMirror,
    /// In `[receive]`.
    Receive,
}

/// A family of keys: commands take whole families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// What to mirror, and where to.
    Mirror,
    /// Which mirror it is, and how whoever keeps it is reached.
    Reach,
    /// Where a mirror's past is read.
    Past,
    /// What a restore does.
    Restore,
    /// Whether anything is done at all.
    DryRun,
    /// Which paths belong to the mirror.
    Filter,
    /// What stops a round, or holds a part of it.
    Guard,
    /// How rounds are made.
    Round,
    /// How a mirror is verified.
    Verify,
    /// Where the client keeps what it remembers.
    State,
    /// What a person or program is told.
    Output,
    /// What is said to programs.
    Json,
    /// Where a receiver keeps mirrors.
    Data,
    /// How a receiver is reached.
    Receive,
}

impl Group {
    /// The heading in `--help`.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Mirror | Self::Reach | Self::Past => "Mirror",
            Self::Restore => "Restore",
            Self::Filter => "Filters",
            Self::Guard => "Guards",
            Self::Round | Self::DryRun => "Rounds",
            Self::Verify => "Verifying",
            Self::State => "State",
            Self::Output | Self::Json => "Output",
            Self::Data | Self::Receive => "Receiver",
        }
    }
}

/// How a key looks on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    /// `--name`, with its value called this in the help.
    Long(&'static str),
    /// `--name` or `-n`, without a value.
    Short(char),
    /// An argument without a name.
    Positional(&'static str),
}

impl Key {
    /// A row of the table for values of type `T`.
    pub(crate) const fn new<T: Value>(
        name: &'static str,
        why: &'static str,
        default: &'static str,
        flag: Flag,
        scope: Scope,
        group: Group,
    ) -> Self {
        Self {
            name,
            why: why.trim_ascii_start(),
            default,
            flag,
            scope,
            group,
            shape: T::SHAPE,
            expected: T::EXPECTED,
            paths: T::PATHS,
            accepts: |words| T::read(words).is_some(),
            #[cfg(test)]
            samples: T::SAMPLES,
        }
    }

    /// Its flag, as people type it; for a positional argument its place in the usage line.
    pub(crate) fn flag_name(&self) -> String {
        match self.flag {
            Flag::Positional(placeholder) => placeholder.to_owned(),
            Flag::Long(_) | Flag::Short(_) => format!("--{}", self.long()),
        }
    }

    /// The long name of its flag, without the dashes.
    pub(crate) fn long(&self) -> String {
        self.name.replace('_', "-")
    }

    /// Its environment variable.
    pub(crate) fn variable(&self) -> String {
        format!("ROUNDSMAN_{}", self.name.to_uppercase())
    }

    /// Its default as words; none where the table has none.
    pub(crate) fn default_words(&self) -> Vec<OsString> {
        let default = Some(self.default).filter(|default| !default.is_empty());
        default.map(OsString::from).into_iter().collect()
    }
}

/// Declares keys once: the struct of checked values and the rows of the table come from the same lines.
macro_rules! keys {
    (
        $(#[$meta:meta])*
        $Struct:ident {
            $( #[doc = $why:literal] $name:ident: $type:ty = $default:literal, $flag:expr, $scope:ident, $group:ident; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct $Struct {
            $( #[doc = $why] pub(crate) $name: $type, )+
        }

        impl $Struct {
            /// The rows of the table, in the order of the fields.
            pub(crate) const KEYS: &'static [Key] = &[
                $( Key::new::<$type>(stringify!($name), $why, $default, $flag, Scope::$scope, Group::$group), )+
            ];

            /// Takes each value from the first layer that has it, else the default.
            ///
            /// # Errors
            /// A value that cannot be left out is nowhere.
            pub(super) fn resolve(layers: &[&Layer]) -> Result<Self, Mistake> {
                let mut keys = Self::KEYS.iter();
                let mut next = || keys.next().expect("there is one row for each field, in their order");
                Ok(Self { $( $name: layer::resolve(next(), layers)?, )+ })
            }
        }
    };
}
pub(crate) use keys;
