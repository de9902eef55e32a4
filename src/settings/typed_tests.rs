//! Flags over variables over files over defaults.

use std::path::Path;

use clap::{Args, Command, FromArgMatches};

use super::*;
use crate::args::{Flags, ForConfig};
use crate::settings::key::Flag;
use crate::settings::value::Shape;

fn flags(arguments: &[String]) -> Layer {
    let command = Flags::<ForConfig>::augment_args(Command::new("test").no_binary_name(true));
    let matches = command.try_get_matches_from(arguments).expect("these flags exist");
    Flags::<ForConfig>::from_arg_matches(&matches).expect("these values fit").layer
}

fn file(text: &str) -> ConfigFile {
    config::parse(Path::new("/etc/config.toml"), text, None).expect("is a configuration")
}

fn typed(flags_typed: &[String], variables: &[(String, String)], text: &str) -> Typed {
    let environment = Environment::from_iter(variables.iter().cloned());
    Typed {
        flags: flags(flags_typed),
        environment: Layer::from_environment(all_keys(), &environment).expect("these values fit"),
        file: file(text),
        joined: None,
        defaults: machine_defaults(&Environment::from_iter([("HOME", "/h")])).expect("these values fit"),
    }
}

/// How a value is typed in each of the three places.
fn as_flag(key: &Key, value: &str) -> Vec<String> {
    match (key.flag, key.shape) {
        (Flag::Positional(_), _) => vec![value.to_owned()],
        (_, Shape::Count) => vec![key.flag_name(); value.parse().expect("a count")],
        _ => vec![format!("{}={value}", key.flag_name())],
    }
}

fn as_toml(key: &Key, value: &str) -> String {
    let value = match key.shape {
        Shape::Switch | Shape::Count | Shape::Number => value.to_owned(),
        Shape::Text | Shape::Word | Shape::Timetable => format!("'{value}'"),
        Shape::List => format!("['{value}']"),
    };
    let table = match key.scope {
        Scope::Receive => "[receive]\n",
        Scope::OneMirror if key.name != "source" => "[[mirror]]\nsource = '/s'\n",
        Scope::OneMirror => "[[mirror]]\n",
        Scope::Top | Scope::Mirror => "",
    };
    format!("{table}{} = {value}\n", key.name)
}

fn decided(key: &Key, typed: &Typed) -> (Vec<OsString>, &'static str) {
    let given = match key.scope {
        Scope::OneMirror => decide(key, &typed.for_mirror(typed.file.mirrors.first().unwrap_or(&Layer::default()))),
        _ => typed.decide(key),
    };
    match given {
        None => (Vec::new(), "nothing"),
        Some(Given { words, origin }) => {
            let origin = match origin {
                Origin::Flag => "flag",
                Origin::Environment => "environment",
                Origin::File { .. } => "file",
                Origin::Default => "default",
            };
            (words, origin)
        }
    }
}

#[test]
fn for_every_key_a_flag_decides_over_a_variable_that_over_the_file_that_over_the_default() {
    for key in all_keys() {
        let [one, other] = key.samples;
        for (upper, lower) in [(one, other), (other, one)] {
            let variable = |value: &str| vec![(key.variable(), value.to_owned())];
            let flag_first = typed(&as_flag(key, upper), &variable(lower), &as_toml(key, lower));
            assert_eq!(decided(key, &flag_first), (vec![upper.into()], "flag"), "`{}`", key.name);
            let variable_first = typed(&[], &variable(upper), &as_toml(key, lower));
            assert_eq!(decided(key, &variable_first), (vec![upper.into()], "environment"), "`{}`", key.name);
            let file_first = typed(&[], &[], &as_toml(key, upper));
            assert_eq!(decided(key, &file_first), (vec![upper.into()], "file"), "`{}`", key.name);
        }
        let (words, origin) = decided(key, &typed(&[], &[], ""));
        if ["state_dir", "threads", "transfers"].contains(&key.name) {
            assert_eq!((words.len(), origin), (1, "default"), "`{}` has a default of the machine's", key.name);
        } else {
            let expected = if key.default.is_empty() { "nothing" } else { "default" };
            assert_eq!((words, origin), (key.default_words(), expected), "`{}`", key.name);
        }
    }
}

#[test]
fn what_a_mirror_does_not_say_is_said_at_the_top() {
    let text =
        "transfers = 2\nto = '/all'\n[[mirror]]\nsource = '/a'\n[[mirror]]\nsource = '/b'\nto = '/own'\ntransfers = 9";
    let mirrors = typed(&[], &[], text).mirrors().expect("both are complete");
    let shown: Vec<_> = mirrors.iter().map(|m| (m.source.to_str(), m.to.clone(), m.transfers.get())).collect();
    let directory = |path: &str| To::Directory(path.into());
    assert_eq!(shown, [(Some("/a"), directory("/all"), 2), (Some("/b"), directory("/own"), 9)]);
}

#[test]
fn a_source_selects_its_own_mirror_and_what_the_configuration_says_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("photos");
    std::fs::create_dir(&source).expect("creates");
    let text =
        format!("[[mirror]]\nsource = '{}'\nto = '/own'\n[[mirror]]\nsource = '/b'\nto = '/c'", source.display());
    let same_place = format!("{}/./", source.display());
    let mirrors = typed(&[same_place], &[], &text).mirrors().expect("is complete");
    assert_eq!(mirrors.len(), 1);
    assert_eq!(mirrors[0].to, To::Directory("/own".into()));
    let other = typed(&["/d".to_owned(), "--to=/e".to_owned()], &[], &text).mirrors().expect("is complete");
    assert_eq!((other.len(), other[0].to.clone()), (1, To::Directory("/e".into())));
}

#[test]
fn nothing_to_mirror_no_destination_and_one_name_for_several_are_mistakes_that_say_what_to_do() {
    let refusal = |arguments: &[&str], text: &str| {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let mistake = typed(&arguments, &[], text).mirrors().expect_err("is a mistake");
        assert!(mistake.hint().is_some(), "{mistake}");
        mistake.to_string()
    };
    assert!(refusal(&[], "").contains("nothing to mirror"));
    assert!(refusal(&["/a"], "").starts_with("--to is not given"));
    let two = "to = '/c'\n[[mirror]]\nsource = '/a'\n[[mirror]]\nsource = '/b'";
    assert_eq!(refusal(&["--mirror=x"], two), "flag --mirror names one mirror, but the configuration has 2");
}

#[test]
fn a_plan_is_written_in_dry_runs_carried_out_once_and_of_one_mirror() {
    let refusal = |arguments: &[&str], text: &str| {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let mistake = typed(&arguments, &[], text).rounds().expect_err("is a mistake");
        assert!(mistake.hint().is_some(), "{mistake}");
        mistake.to_string()
    };
    let (one, two) = (["/a", "--to=/b"], "to = '/c'\n[[mirror]]\nsource = '/a'\n[[mirror]]\nsource = '/b'");
    let with = |more: &[&'static str]| [&one[..], more].concat();
    assert!(refusal(&with(&["--plan=p"]), "").contains("nothing asks for a dry run"));
    assert!(refusal(&with(&["--apply=p", "--dry-run"]), "").contains("this is a dry run"));
    assert!(refusal(&with(&["--apply=p"]), "interval = '5s'").contains("there is an interval"));
    for arguments in [&["--plan=p", "--dry-run"][..], &["--apply=p"]] {
        assert!(refusal(arguments, two).ends_with("names the plan of one mirror, but the configuration has 2"));
    }
    for fine in [with(&["--plan=p", "--dry-run"]), with(&["--apply=p"])] {
        let fine: Vec<_> = fine.iter().map(ToString::to_string).collect();
        typed(&fine, &[], "").rounds().expect("can be meant so");
    }
}

#[test]
fn nothing_goes_to_another_machine_without_tls_unless_somebody_insists() {
    let mirrors = |to: &str, more: &[&str]| {
        let arguments = ["/a".to_owned(), format!("--to={to}")].into_iter().chain(more.iter().map(ToString::to_string));
        typed(&arguments.collect::<Vec<_>>(), &[], "").mirrors()
    };
    let mistake = mirrors("http://192.0.2.1:7373", &[]).expect_err("can be read on the way");
    assert!(mistake.hint().expect("says what to do").contains("--allow-plaintext"));
    for (to, more) in
        [("http://127.0.0.1:1", &[][..]), ("https://192.0.2.1", &[]), ("http://192.0.2.1", &["--allow-plaintext"])]
    {
        mirrors(to, more).expect("is safe, or insisted on");
    }
}

#[test]
fn without_a_home_the_state_directory_must_be_named() {
    let typed = Typed { defaults: Layer::default(), ..typed(&[], &[], "threads = 1") };
    let mistake = typed.client().expect_err("there is no home");
    assert!(mistake.hint().expect("says what to do").contains("HOME is not set"));
    typed.output().expect("needs no home");
    typed.receive().expect("needs no home");
}

#[test]
fn what_config_show_prints_is_a_configuration_that_gives_the_same() {
    let text =
        "exclude = [\"a'b\", '*.tmp']\nquiet = true\n[receive]\ndata = '/d'\n[[mirror]]\nsource = '/a'\nto = '/c'";
    let first = typed(&["--transfers=7".to_owned()], &[], text);
    let again = typed(&[], &[], &first.show(true));
    assert_eq!(again.show(false), first.show(false));
    assert_eq!(again.mirrors().expect("is complete"), first.mirrors().expect("is complete"));
    let shown = first.show(true);
    for line in
        ["transfers = 7  # flag --transfers", "quiet = true  # file /etc/config.toml:2", "verbose = 0  # default"]
    {
        assert!(shown.contains(line), "{line} in\n{shown}");
    }
}

#[test]
fn a_mistake_shows_even_where_another_layer_decides() {
    let variables = [("ROUNDSMAN_TRANSFERS".to_owned(), "many".to_owned())];
    let environment = Environment::from_iter(variables);
    let refusal = Typed::gather(flags(&["--transfers=3".to_owned()]), None, &environment).expect_err("is a mistake");
    assert_eq!(refusal.to_string(), "ROUNDSMAN_TRANSFERS: expected a whole number from 1 to 64, found `many`");
}
