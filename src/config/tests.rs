//! Reading configuration files: what is good, what is wrong and where.

use std::ffi::OsStr;

use super::*;
use crate::settings::all_keys;
use crate::settings::key::Key;

fn key(name: &str) -> &'static Key {
    all_keys().find(|key| key.name == name).expect("is in the table")
}

fn parsed(text: &str) -> Result<ConfigFile, Mistakes> {
    parse(Path::new("/etc/r/config.toml"), text, Some(Path::new("/home/me")))
}

fn refusal(text: &str) -> String {
    parsed(text).expect_err("is refused").to_string()
}

fn word<'a>(layer: &'a Layer, name: &str) -> &'a OsStr {
    &layer.get(key(name)).expect("was given").words[0]
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_what_may_have_been_meant() {
    assert_eq!(
        refusal("\nintervall = '3s'"),
        "/etc/r/config.toml:2: unknown key `intervall`; did you mean `interval`?"
    );
    assert_eq!(refusal("[recieve]\n"), "/etc/r/config.toml:1: unknown key `recieve`; did you mean `receive`?");
    assert_eq!(
        refusal("[receive]\nlissten = 1"),
        "/etc/r/config.toml:2: unknown key `lissten`; did you mean `listen`?"
    );
    assert_eq!(refusal("zebra = 1"), "/etc/r/config.toml:1: unknown key `zebra`");
}

#[test]
fn a_key_in_the_wrong_table_is_refused_with_its_place() {
    assert_eq!(refusal("listen = 'x'"), "/etc/r/config.toml:1: unknown key `listen` here: it belongs in [receive]");
    assert_eq!(
        refusal("[[mirror]]\nsource = '/a'\nthreads = 3"),
        "/etc/r/config.toml:3: unknown key `threads` here: it belongs at the top of the file"
    );
    assert_eq!(refusal("source = '/a'"), "/etc/r/config.toml:1: unknown key `source` here: it belongs in a [[mirror]]");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_line_key_and_what_was_expected() {
    let cases = [
        ("quiet = 'yes'", "`quiet`: expected `true` or `false`, found the string \"yes\""),
        ("transfers = '4'", "`transfers`: expected a whole number from 1 to 64, found the string \"4\""),
        ("transfers = 65", "`transfers`: expected a whole number from 1 to 64, found `65`"),
        (
            "interval = 30",
            "`interval`: expected a duration longer than zero such as `30s`, `5m` or `1h 30m`, found the number 30",
        ),
        ("retry_for = '5 parsecs'", "`retry_for`: expected a duration such as `30s`, `5m` or `0s`, found `5 parsecs`"),
        ("ignore_file = 'x'", "`ignore_file`: expected a list of paths, found the string \"x\""),
        ("ignore_file = [1]", "`ignore_file`: expected a list of paths, found a list of something else"),
        (
            "compression_level = 20",
            "`compression_level`: expected `auto`, `off`, or a level from 1 (fast) to 19 (small), found `20`",
        ),
        (
            "limit_rate = [{ from = '08:00', rate = '2MiB' }]",
            "`limit_rate`: expected bytes a second of at least 16KiB such as `10MiB`, `08:00-18:00 2MiB` for a part of \
             the day, or `off`, found a list of something else",
        ),
        ("log_file = ''", "`log_file`: expected a path, found ``"),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), format!("/etc/r/config.toml:1: {expected}"));
    }
}

#[test]
fn a_timetable_is_a_rate_or_a_list_of_times_and_rates() {
    let words =
        |text: &str| parsed(text).expect("is a timetable").top.get(key("limit_rate")).expect("given").words.clone();
    assert_eq!(words("limit_rate = '10MiB'"), ["10MiB"]);
    let table = "limit_rate = [{ from = '08:00', to = '18:00', rate = '2MiB' }, '10MiB']";
    assert_eq!(words(table), ["08:00-18:00 2MiB", "10MiB"]);
    assert!(parsed("limit_rate = [{ from = '08:00', to = '18:00', rate = '2MiB', days = 'all' }]").is_err());
    assert_eq!(
        parsed("compression_level = 7").expect("a level").top.get(key("compression_level")).expect("given").words,
        ["7"]
    );
}

#[test]
fn what_is_not_toml_is_refused_with_its_line() {
    assert!(refusal("\n\nquiet = maybe").starts_with("/etc/r/config.toml:3: "));
    assert!(refusal("mirror = 'photos'").contains("unknown key `mirror` here"));
    assert_eq!(refusal("mirror = [1]"), "/etc/r/config.toml:1: each [[mirror]] must be a table");
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_their_lines() {
    let refusal = refusal("verbose = true\n[[mirror]]\nto = 'ftp://x'\n[receive]\nport = 1");
    let lines: Vec<_> = refusal.lines().map(|line| line.split(':').nth(1).expect("a line number")).collect();
    assert_eq!(lines, ["1", "2", "3", "5"]);
    assert!(refusal.contains("this [[mirror]] has no `source`"));
}

#[test]
fn paths_are_relative_to_the_file_and_a_tilde_is_home() {
    let file = parsed(
        "log_file = 'log'\nto = '~/backup'\n\
         [[mirror]]\nsource = '/abs'\nto = 'https://h:1'\n[[mirror]]\nsource = '~'\nignore_file = ['a', '~/b']\n",
    )
    .expect("is valid");
    assert_eq!(word(&file.top, "log_file"), "/etc/r/log");
    assert_eq!(word(&file.top, "to"), "/home/me/backup");
    assert_eq!(word(&file.mirrors[0], "source"), "/abs");
    assert_eq!(word(&file.mirrors[0], "to"), "https://h:1");
    assert_eq!(word(&file.mirrors[1], "source"), "/home/me/");
    assert_eq!(file.mirrors[1].get(key("ignore_file")).expect("was given").words, ["/etc/r/a", "/home/me/b"]);
}

#[test]
fn the_users_file_comes_before_the_administrators_and_need_not_exist() {
    let home = tempfile::tempdir().expect("a directory");
    let environment = Environment::from_iter([("HOME", home.path())]);
    let absent = read(None, &environment).expect("may be absent");
    assert_ne!(absent.path, Some(home.path().join(".config/roundsman/config.toml")));

    let own = home.path().join(".config/roundsman");
    std::fs::create_dir_all(&own).expect("creates");
    std::fs::write(own.join("config.toml"), "quiet = true").expect("writes");
    let file = read(None, &environment).expect("is valid");
    assert_eq!(file.path, Some(own.join("config.toml")));
    assert_eq!(word(&file.top, "quiet"), "true");
}

#[test]
fn a_named_file_must_exist_and_be_readable_text_of_reasonable_size() {
    let directory = tempfile::tempdir().expect("a directory");
    let refusal = |name: &str| {
        let path = directory.path().join(name);
        read(Some(&path), &Environment::default()).expect_err("is refused").to_string()
    };
    assert!(refusal("absent").contains("No such file"));
    std::fs::write(directory.path().join("binary"), b"\xff\xfe").expect("writes");
    assert!(refusal("binary").contains("UTF-8"));
    std::fs::write(directory.path().join("long"), vec![b'#'; 1024 * 1024 + 1]).expect("writes");
    assert!(refusal("long").contains("longer than 1 MiB"));
}

#[test]
fn a_variable_may_name_the_file_and_a_flag_decides_over_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.toml");
    std::fs::write(&path, "quiet = true").expect("writes");
    let by_variable = |value: &Path| Environment::from_iter([(VARIABLE, value)]);
    assert_eq!(read(None, &by_variable(&path)).expect("exists").path, Some(path.clone()));
    let absent = by_variable(Path::new("/absent"));
    read(None, &absent).expect_err("must exist");
    assert_eq!(read(Some(&path), &absent).expect("exists").path, Some(path));
}

/// The example with each commented-out setting (`#key = …`, `#[[mirror]]`; prose has a blank after `#`) taken in.
fn with_comments_taken_in(example: &str) -> String {
    let taken_in = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|first: char| first.is_ascii_lowercase() || first == '[') => {
            setting.to_owned()
        }
        _ => line.to_owned(),
    };
    example.lines().map(taken_in).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_is_complete_and_what_it_sets_are_the_defaults() {
    let example = include_str!("../../config.example.toml");
    let plain = parsed(example).expect("is valid");
    let whole = parsed(&with_comments_taken_in(example)).expect("is valid with everything taken in");
    assert!(plain.mirrors.is_empty(), "a copied example mirrors nothing");
    for key in all_keys() {
        let default = plain.top.get(key).or_else(|| plain.receive.get(key)).map(|given| given.words.clone());
        assert_eq!(default.unwrap_or_default(), key.default_words(), "`{}`", key.name);
        let layers = [&whole.top, &whole.receive].into_iter().chain(&whole.mirrors);
        assert!(layers.into_iter().any(|layer| layer.get(key).is_some()), "`{}` is not in the example", key.name);
        assert!(example.contains(key.why), "why `{}` is not in the example: {}", key.name, key.why);
    }
}
