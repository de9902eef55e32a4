//! Which `[[mirror]]` says where a past is read.

use super::*;
use crate::settings::layer::Origin;

fn typed(flags: &[(&str, &str)], text: &str) -> Typed {
    let mut layer = Layer::default();
    for (name, word) in flags {
        let key = crate::settings::all_keys().find(|key| key.name == *name).expect("is a key");
        layer.put(key, vec![(*word).into()], Origin::Flag).expect("is a value");
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    let environment = crate::settings::environment::Environment::from_iter([("HOME", "/h")]);
    Typed::gather(layer, Some(file.path()), &environment).expect("is a configuration")
}

fn from(flags: &[(&str, &str)], text: &str) -> (To, Option<PathBuf>) {
    let past = typed(flags, text).past().expect("says where");
    (past.from, past.source)
}

#[test]
fn the_only_mirror_or_the_one_that_is_named_says_where() {
    let one = "[[mirror]]\nsource = '/a'\nto = '/x'\n";
    let two = format!("{one}[[mirror]]\nsource = '/b'\nmirror = 'letters'\nto = '/y'\n");
    assert_eq!(from(&[], one), (To::Directory("/x".into()), Some("/a".into())));
    assert_eq!(from(&[("mirror", "letters")], &two), (To::Directory("/y".into()), Some("/b".into())));
    assert_eq!(from(&[("mirror", "a")], &two), (To::Directory("/x".into()), Some("/a".into())));
    assert_eq!(from(&[("from", "/z")], &two), (To::Directory("/z".into()), None));
    assert!(matches!(typed(&[], &two).past(), Err(Mistake::Missing { key: "from", .. })));
}

#[test]
fn from_decides_over_to_and_a_token_is_not_shown_to_everybody() {
    assert_eq!(from(&[], "from = '/f'\nto = '/t'\n").0, To::Directory("/f".into()));
    let remote = typed(&[("from", "http://192.0.2.1:1")], "");
    assert!(matches!(remote.past(), Err(Mistake::Plaintext { .. })));
    typed(&[("from", "http://192.0.2.1:1"), ("allow_plaintext", "true")], "").past().expect("somebody insists");
}
