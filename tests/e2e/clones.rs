//! Two live clients with one name, as after a machine was cloned: one of them goes on, the other is refused by name
//! until a person decides.

use std::process::Command;

use crate::support::{Outcome, Receiver, World, assert_mirrored, write};

/// One round of a client whose state is in this directory, after an edit.
fn round(world: &World, receiver: &Receiver, state: &str, text: &str) -> Outcome {
    write(&world.source(), &[&format!("a={text}")]);
    world.run(&["scan", "source", "--to", &receiver.url, "--token-file", "token", "--state-dir", state, "--json"])
}

#[track_caller]
fn mirrored(world: &World) -> String {
    std::fs::read_to_string(Receiver::mirror(world).join("a")).expect("the mirror has it")
}

#[test]
fn of_two_live_clients_with_one_name_the_second_to_come_back_is_fenced_until_a_takeover() {
    let world = World::with(&["a=1", "d/b=2"]);
    let receiver = world.receiver();
    round(&world, &receiver, "first", "both").expect(0);
    let copied = Command::new("cp").args(["-a", "first", "second"]).current_dir(world.path("")).status();
    assert!(copied.expect("cp runs").success());
    round(&world, &receiver, "first", "of the first").expect(0);
    // An older state alone may be a restored disk: that one goes on, and the fork is known from now on.
    round(&world, &receiver, "second", "of the second").expect(0);
    for _ in 0..2 {
        let fenced = round(&world, &receiver, "first", "of the fenced one").expect(13);
        assert!(fenced.stderr.contains("takeover"), "{}", fenced.stderr);
        assert_eq!(mirrored(&world), "of the second", "the fenced one changed nothing");
    }
    round(&world, &receiver, "second", "of the second, again").expect(0);
    let whose = ["--to", &receiver.url, "--token-file", "token", "--state-dir", "first"];
    world.run(&[&["takeover", "source"], &whose[..]].concat()).expect(0);
    round(&world, &receiver, "first", "of the first, again").expect(0);
    assert_mirrored(&world.source(), &Receiver::mirror(&world));
    round(&world, &receiver, "second", "too late").expect(13);
    assert_eq!(mirrored(&world), "of the first, again", "now it is the other way round");
}
