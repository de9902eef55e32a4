//! `verify` and `verify --repair`, on real mirrors with planted damage.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::support::{World, assert_mirrored};

fn verify(world: &World, more: &[&str]) -> crate::support::Outcome {
    let source = world.source().display().to_string();
    let data = world.data().display().to_string();
    let arguments: Vec<&str> = [&["verify", &source, "--from", &data][..], more].concat();
    world.run(&arguments)
}

fn flip(at: &Path, offset: u64) {
    let file = fs::File::options().read(true).write(true).open(at).expect("there");
    let mtime = file.metadata().and_then(|found| found.modified()).expect("has a time");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("read");
    file.write_all_at(&[byte[0] ^ 4], offset).expect("written");
    file.set_modified(mtime).expect("set back");
}

/// The paths of findings, with the first words of what is said of them.
fn findings(stdout: &str) -> BTreeMap<String, String> {
    let lines = stdout.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let problems = lines.filter(|line| line["message_type"] == "problem");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    problems.map(|line| (text(&line["path"]), text(&line["reason"]))).collect()
}

#[test]
fn two_hundred_flips_truncations_extras_and_absences_are_found_and_repaired_by_the_real_command() {
    let world = World::new();
    for number in 0..200usize {
        let at = world.source().join(format!("d{}/f{number}", number % 8));
        fs::create_dir_all(at.parent().expect("has one")).expect("made");
        fs::write(at, format!("content of file {number}").repeat(1 + number % 50)).expect("written");
    }
    world.scan(&[]).expect(0);
    let right = verify(&world, &["--json"]).expect(0);
    assert_eq!((right.count("entries"), right.count("left"), right.count("requests")), (208, 0, 3));
    assert!(right.count("bytes_sent") < 4_096, "{}", right.stdout);
    let mut planted = BTreeMap::new();
    for number in 0..200usize {
        let name = format!("d{}/f{number}", number % 8);
        let at = world.mirror().join(&name);
        let size = fs::metadata(&at).expect("there").len();
        let said = match number % 4 {
            0 => {
                flip(&at, number as u64 % size);
                "damaged"
            }
            1 => {
                fs::File::options().write(true).open(&at).expect("there").set_len(size / 2).expect("cut");
                "damaged"
            }
            2 => {
                fs::write(at.with_file_name(format!("x{number}")), "theirs").expect("written");
                "at the mirror, and nobody"
            }
            _ => {
                fs::remove_file(&at).expect("there");
                "missing"
            }
        };
        planted.insert(if number % 4 == 2 { name.replace("/f", "/x") } else { name }, said);
    }
    for more in [&["--json"][..], &["--json", "--repair"]] {
        let outcome = verify(&world, more).expect(if more.len() == 1 { 3 } else { 0 });
        let mut found = findings(&outcome.stdout);
        found.retain(|_, said| !said.starts_with("another mode or time"));
        assert!(found.keys().eq(planted.keys()), "{}", outcome.stdout);
        assert!(found.iter().all(|(path, said)| said.starts_with(planted[path])), "{}", outcome.stdout);
        assert_eq!((outcome.count("extra"), outcome.count("missing"), outcome.count("damaged")), (50, 50, 100));
    }
    assert_mirrored(&world.source(), &world.mirror());
    let quiet = verify(&world, &["--quiet"]).expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let round = world.scan(&[]).expect(0);
    assert_eq!(round.count("revision"), 1, "no revision came of it");
}

#[test]
fn damage_that_verify_found_is_healed_by_the_next_round_and_a_person_reads_one_line_a_path() {
    let world = World::with(&["a=one", "d/b=two"]);
    world.scan(&[]).expect(0);
    flip(&world.mirror().join("d/b"), 1);
    let outcome = verify(&world, &[]).expect(3);
    assert_eq!(outcome.stderr, "Problem: d/b: damaged at the mirror\n");
    assert!(outcome.stdout.contains("1 damaged; 3 entries looked at, 6 B of the mirror read"), "{}", outcome.stdout);
    let quiet = verify(&world, &["--quiet"]).expect(3);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", "Problem: d/b: damaged at the mirror\n"));
    let round = world.scan(&[]).expect(0);
    assert_eq!((round.count("mended"), round.count("modified"), round.count("revision")), (1, 0, 1));
    assert_mirrored(&world.source(), &world.mirror());
    assert!(verify(&world, &[]).expect(0).stdout.contains("all is right"));
}

#[test]
fn without_state_and_without_source_the_mirror_is_verified_all_the_same_and_nothing_is_made() {
    let world = World::with(&["a=one", "d/b=two"]);
    world.scan(&[]).expect(0);
    fs::remove_dir_all(world.path("state")).expect("there");
    fs::rename(world.source(), world.path("elsewhere")).expect("moved");
    let outcome = verify(&world, &["--json", "--mirror", "source"]).expect(0);
    assert_eq!(outcome.summary()["source_compared"], false);
    assert!(!world.path("state").exists(), "nothing is made");
    let mistake = verify(&world, &["--mirror", "other"]).expect(2);
    assert!(mistake.stderr.contains("there is no mirror `other`"), "{}", mistake.stderr);
}
