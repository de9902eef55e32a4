//! What proves bytes, and what does not.

use seams::clock::BootId;

use super::*;

const FINE: Stamps =
    Stamps { margins: Margins::USUAL, fine: true, local: true, weight: Weight { inode: true, ctime: true } };
const REMOTE: Stamps = Stamps { fine: false, local: false, ..FINE };

fn moment(boot: u8, millis: u64) -> Moment {
    Moment { boot: BootId([boot; 16]), since_boot: Duration::from_millis(millis) }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_nanos(millis * 1_000_000)
}

fn start(wall_millis: i64, since_boot_millis: u64) -> ReadStart {
    ReadStart { wall: at(wall_millis), moment: moment(1, since_boot_millis) }
}

fn evidence(ctime_millis: i64) -> Evidence {
    Evidence { size: 1, mtime: at(ctime_millis), ctime: at(ctime_millis), inode: 1 }
}

#[test]
fn a_read_well_after_the_stamp_proves_the_bytes_on_a_local_file_system_only() {
    let seen_now = moment(1, 500);
    assert_eq!(trust(&evidence(1000), seen_now, start(1021, 500), FINE), Trust::Proven);
    assert_eq!(trust(&evidence(1000), seen_now, start(1020, 500), FINE), Trust::Unproven);
    assert_eq!(trust(&evidence(1000), seen_now, start(9000, 500), REMOTE), Trust::Unproven);
}

#[test]
fn the_same_evidence_seen_long_before_proves_the_bytes_whatever_the_wall_clock_says() {
    assert_eq!(trust(&evidence(0), moment(1, 0), start(1, 2010), REMOTE), Trust::Proven);
    assert_eq!(trust(&evidence(0), moment(1, 0), start(1, 2009), REMOTE), Trust::Unproven);
    assert_eq!(trust(&evidence(0), moment(0, 9999), start(1, 0), REMOTE), Trust::Proven, "another boot is long ago");
}

#[test]
fn margins_of_nothing_trust_every_read() {
    let stamps = Stamps { margins: Margins::NONE, ..REMOTE };
    assert_eq!(trust(&evidence(0), moment(1, 0), start(0, 0), stamps), Trust::Proven);
}

#[test]
fn a_stamp_in_the_future_is_trusted_until_the_clock_has_passed_it() {
    let evidence = evidence(5000);
    let trust = trust(&evidence, moment(1, 0), start(1000, 3000), FINE);
    assert_eq!(trust, Trust::UntilStamp);
    let reading = crate::fingerprint::tests::reading(evidence, trust);
    assert!(still_holds(&reading, &evidence, at(4000), FINE));
    assert!(!still_holds(&reading, &evidence, at(5021), FINE));
}

#[test]
fn where_ctime_means_nothing_mtime_stands_in_for_it() {
    let bad_ctimes = Stamps { weight: Weight { ctime: false, inode: true }, ..FINE };
    let renewed = Evidence { ctime: at(9000), ..evidence(1000) };
    assert_eq!(trust(&renewed, moment(1, 0), start(1021, 0), bad_ctimes), Trust::Proven);
    assert_eq!(trust(&renewed, moment(1, 0), start(1020, 0), bad_ctimes), Trust::Unproven);
}

#[test]
fn evidence_agrees_as_far_as_it_counts() {
    let old = evidence(1000);
    let (other_inode, other_ctime) = (Evidence { inode: 2, ..old }, Evidence { ctime: at(2000), ..old });
    let no_inodes = Stamps { weight: Weight { inode: false, ctime: true }, ..FINE };
    let no_ctimes = Stamps { weight: Weight { inode: true, ctime: false }, ..FINE };
    assert!(!FINE.agree(&old, &other_inode) && !FINE.agree(&old, &other_ctime));
    assert!(no_inodes.agree(&old, &other_inode) && !no_inodes.agree(&old, &other_ctime));
    assert!(!no_ctimes.agree(&old, &other_inode) && no_ctimes.agree(&old, &other_ctime));
    let neither = Stamps { weight: Weight { inode: false, ctime: false }, ..FINE };
    assert!(
        !neither.agree(&old, &Evidence { size: 2, ..old }) && !neither.agree(&old, &Evidence { mtime: at(1), ..old })
    );
}

#[test]
fn a_fraction_of_a_second_in_a_local_ctime_shows_a_fine_step() {
    let stamps = StampsByDevice::new(Margins::USUAL);
    let met = |local| Met { key: None, stamps: Stamps { local, ..REMOTE } };
    stamps.meet(1, || met(true));
    stamps.meet(2, || met(false));
    assert!(!stamps.learn(1, Timestamp::from_parts(7, 0)).fine);
    assert!(stamps.learn(1, Timestamp::from_parts(7, 1)).fine);
    assert!(stamps.learn(1, Timestamp::from_parts(7, 0)).fine, "once learned, it stays so");
    assert!(!stamps.learn(2, Timestamp::from_parts(7, 1)).fine, "a file server's clock says nothing");
}

#[test]
fn a_stamp_seen_before_its_file_system_is_met_settles_nothing() {
    let stamps = StampsByDevice::new(Margins::USUAL);
    assert_eq!(stamps.learn(1, Timestamp::from_parts(7, 1)), Stamps::unknown(Margins::USUAL));
    stamps.meet(1, || Met { key: None, stamps: FINE });
    assert!(stamps.learn(1, Timestamp::from_parts(7, 0)).local);
}

#[test]
fn ctimes_that_change_by_themselves_teach_nothing() {
    let stamps = Stamps { fine: false, weight: Weight { inode: true, ctime: false }, ..FINE };
    assert!(!stamps.may_learn_from(Timestamp::from_parts(7, 1)));
}
