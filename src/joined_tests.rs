//! What a machine that joined remembers, and where it shows its token.

use std::os::unix::fs::PermissionsExt;

use protocol::wire::InviteSecret;

use super::*;
use crate::settings::{Typed, token};

const ADDRESS: &str = "https://backup.example:7373";

fn joined(pin: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    joined_at(ADDRESS, pin)
}

fn joined_at(address: &str, pin: Option<&str>) -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a directory");
    let directory = home.path().join("config/roundsman");
    let place = Place::prepare(&directory).expect("can be made");
    let address = Address::parse(address, true).expect("an address");
    let pin = pin.map(|pin| pin.parse().expect("a pin"));
    let secret = InviteSecret::from_bytes([7; InviteSecret::BYTES]);
    let invite = Invite { address, pin, secret, expires: protocol::Timestamp::from_parts(1, 0) };
    place.keep(&Token::parse("rmt_a.b.c").expect("a token"), &invite).expect("can be kept");
    (home, directory)
}

fn typed(home: &Path, words: &[&str], config: &str) -> Typed {
    let path = home.join("config/roundsman/config.toml");
    fs::write(&path, config).expect("written");
    let home_dir = home.to_str().expect("UTF-8");
    let xdg = format!("{home_dir}/config");
    let environment = Environment::from_iter([("HOME", home_dir), ("XDG_CONFIG_HOME", &xdg)]);
    let words: Vec<&str> = ["roundsman", "scan"].iter().chain(words).copied().collect();
    let cli = <crate::args::Cli as clap::Parser>::try_parse_from(words).expect("good flags");
    let crate::args::Command::Scan { flags } = cli.command else { panic!("scan") };
    Typed::gather(flags.layer, None, &environment).expect("good settings")
}

#[test]
fn only_its_owner_can_read_the_token_and_no_draft_is_left() {
    let (_home, directory) = joined(None);
    let mut names = Vec::new();
    for entry in fs::read_dir(&directory).expect("listed") {
        let entry = entry.expect("an entry");
        names.push((entry.file_name(), entry.metadata().expect("stat").permissions().mode() & 0o777));
    }
    names.sort();
    // Where it is from is no secret, and read by every command that has this configuration.
    assert_eq!(names, [("joined.token".into(), 0o600), ("joined.toml".into(), 0o644)]);
    assert_eq!(fs::metadata(&directory).expect("stat").permissions().mode() & 0o777, 0o700);
    token::read(&directory.join(TOKEN)).expect("is a token file");
}

#[test]
fn a_round_without_a_destination_goes_to_the_receiver_that_was_joined_with_its_token() {
    let (home, directory) = joined(Some(&format!("sha256:{}", "ab".repeat(32))));
    let mirrors = typed(home.path(), &["/source"], "").mirrors().expect("goes there");
    assert!(matches!(&mirrors[0].to, To::Url(address) if address.to_string() == ADDRESS));
    assert_eq!(mirrors[0].token_file.as_deref(), Some(directory.join(TOKEN).as_path()));
    let named = typed(home.path(), &["/source", "--to", ADDRESS], "").mirrors().expect("goes there");
    assert_eq!(named[0].token_file.as_deref(), Some(directory.join(TOKEN).as_path()));
}

#[test]
fn the_token_goes_to_no_other_receiver() {
    let (home, _) = joined(None);
    for (words, config) in [
        (&["/source", "--to", "https://other.example"][..], ""),
        (&["/source"][..], "to = \"https://other.example\"\n"),
        (&["/source"][..], "[[mirror]]\nsource = \"/source\"\nto = \"https://other.example\"\n"),
        (&["/source", "--to", "https://backup.example:7374"][..], ""),
        (&["/source", "--to", "http://127.0.0.1:7373"][..], ""),
    ] {
        let typed = typed(home.path(), words, config);
        assert_eq!(typed.mirrors().expect("good settings")[0].token_file, None, "{words:?} {config}");
        if words.len() > 1 || !config.is_empty() {
            assert!(typed.past().is_ok_and(|past| past.token_file.is_none()) || config.contains("[["), "{words:?}");
        }
    }
    let past = typed(home.path(), &["/source"], "from = \"https://other.example\"\n").past().expect("good settings");
    assert_eq!(past.token_file, None);
}

#[test]
fn a_token_file_that_somebody_named_decides() {
    let (home, _) = joined(None);
    let named = typed(home.path(), &["/source", "--token-file", "/other"], "").mirrors().expect("good settings");
    assert_eq!(named[0].token_file.as_deref(), Some(Path::new("/other")));
}

#[test]
fn a_file_that_is_none_of_ours_is_named() {
    let (home, directory) = joined(None);
    for bad in ["to = 5\n", "to = \"ftp://x\"\n", "to = \"https://x\"\nmore = 1\n", "\u{0}"] {
        fs::write(directory.join(FILE), bad).expect("written");
        let environment = Environment::from_iter([("XDG_CONFIG_HOME", home.path().join("config"))]);
        let error = Typed::gather(Layer::default(), None, &environment).expect_err("none of ours");
        assert!(error.to_string().contains("joined.toml"), "{error}");
    }
}

#[test]
fn who_insisted_on_plain_http_when_joining_need_not_do_so_again() {
    let (home, _) = joined_at("http://192.0.2.1:7373", None);
    let mirrors = typed(home.path(), &["/source"], "").mirrors().expect("goes there");
    assert!(matches!(&mirrors[0].to, To::Url(address) if address.is_plaintext()));
}

#[test]
fn of_a_configuration_file_that_is_a_name_alone_the_directory_is_here() {
    let here = directory(Some(Path::new("my.toml")), &Environment::from_iter([("HOME", "/home/x")]));
    assert_eq!(here.as_deref(), Some(Path::new(".")));
}
