//! Random sequences over few names, so that they collide all the time.

use proptest::prelude::*;

use super::act::{Act, At, dump, perform};
use super::world::World;
use protocol::Name;

/// Held directories and files are found by any number.
fn slot() -> impl Strategy<Value = usize> {
    0..20_usize
}

fn name() -> impl Strategy<Value = Name> {
    prop::sample::select(vec![&b"a"[..], b"b", b"c", b"\xff\n"])
        .prop_map(|bytes| Name::parse(bytes).expect("all four are names"))
}

fn at() -> impl Strategy<Value = At> {
    (slot(), name()).prop_map(|(slot, name)| At(slot, name))
}

/// Modes that keep a directory usable for its owner.
fn mode() -> impl Strategy<Value = u16> {
    (0..0o100_u16).prop_map(|rest| 0o700 | rest)
}

fn seconds() -> impl Strategy<Value = i64> {
    0..1_000_i64
}

fn looking() -> impl Strategy<Value = Act> {
    prop_oneof![
        slot().prop_map(Act::OwnStat),
        at().prop_map(Act::Stat),
        slot().prop_map(Act::List),
        (slot(), name()).prop_map(|(slot, name)| Act::Walk(slot, name)),
        at().prop_map(Act::ReadLink),
        slot().prop_map(Act::FileStat),
        (slot(), 0..40_u64, 0..40_usize).prop_map(|(slot, offset, length)| Act::Read(slot, offset, length)),
    ]
}

fn opening() -> impl Strategy<Value = Act> {
    prop_oneof![
        at().prop_map(Act::OpenDirectory),
        (slot(), prop::collection::vec(name(), 0..4)).prop_map(|(slot, names)| Act::OpenBelow(slot, names)),
        at().prop_map(Act::OpenFile),
        at().prop_map(Act::OpenForWriting),
        at().prop_map(Act::CreateFile),
    ]
}

fn naming() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => at().prop_map(Act::CreateDirectory),
        1 => (at(), prop::sample::select(vec![&b"a"[..], b"b/c", b""]))
            .prop_map(|(at, target)| Act::CreateSymlink(at, target.to_vec())),
        1 => name().prop_map(Act::MakeSpecial),
        2 => (at(), at()).prop_map(|(from, to)| Act::Link(from, to)),
        4 => (at(), at()).prop_map(|(from, to)| Act::Rename(from, to)),
        1 => at().prop_map(Act::RemoveFile),
        2 => at().prop_map(Act::RemoveDirectory),
    ]
}

fn writing() -> impl Strategy<Value = Act> {
    prop_oneof![
        (slot(), mode()).prop_map(|(slot, mode)| Act::SetOwnMode(slot, mode)),
        (slot(), seconds()).prop_map(|(slot, seconds)| Act::SetOwnMtime(slot, seconds)),
        (at(), seconds()).prop_map(|(at, seconds)| Act::SetMtime(at, seconds)),
        (slot(), 0..40_u64, prop::collection::vec(any::<u8>(), 0..9))
            .prop_map(|(slot, offset, bytes)| Act::Write(slot, offset, bytes)),
        (slot(), 0..40_u64).prop_map(|(slot, length)| Act::SetLength(slot, length)),
        (slot(), mode()).prop_map(|(slot, mode)| Act::FileMode(slot, mode)),
        (slot(), seconds()).prop_map(|(slot, seconds)| Act::FileMtime(slot, seconds)),
    ]
}

proptest! {
    #[test]
    fn random_sequences_end_alike_on_disk_and_in_memory(
        acts in prop::collection::vec(prop_oneof![looking(), opening(), naming(), writing()], 1..60),
    ) {
        let mut disk = World::on_disk().expect("a temporary directory");
        let mut memory = World::in_memory().expect("memory has a root");
        for (number, act) in acts.iter().enumerate() {
            prop_assert_eq!(perform(&mut memory, act), perform(&mut disk, act), "act {}: {:?}", number, act);
        }
        prop_assert_eq!(dump(&memory).expect("readable"), dump(&disk).expect("readable"));
    }
}
