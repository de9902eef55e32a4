//! The store of local disks: the behaviour of all stores, and its own.

#[path = "tests/checking.rs"]
mod checking;
#[path = "tests/chunks.rs"]
mod chunks;
#[path = "tests/concurrency.rs"]
mod concurrency;
#[path = "tests/crashes.rs"]
mod crashes;
#[path = "tests/damage.rs"]
mod damage;
#[path = "tests/durable.rs"]
mod durable;
#[path = "tests/frugal.rs"]
mod frugal;
#[path = "tests/full.rs"]
mod full;
#[path = "tests/histories.rs"]
mod histories;
#[path = "tests/holes.rs"]
mod holes;
#[path = "tests/meddling.rs"]
mod meddling;
#[path = "tests/mending.rs"]
mod mending;
#[path = "tests/mending_crashes.rs"]
mod mending_crashes;
#[path = "tests/mending_peer.rs"]
mod mending_peer;
#[path = "tests/move_costs.rs"]
mod move_costs;
#[path = "tests/move_crashes.rs"]
mod move_crashes;
#[path = "tests/move_histories.rs"]
mod move_histories;
#[path = "tests/move_rows.rs"]
mod move_rows;
#[path = "tests/moves.rs"]
mod moves;
#[path = "tests/pins.rs"]
mod pins;
#[path = "tests/readers.rs"]
mod readers;
#[path = "tests/rebuilds.rs"]
mod rebuilds;
#[path = "tests/refusals.rs"]
mod refusals;
#[path = "tests/restarts.rs"]
mod restarts;
#[path = "tests/resume.rs"]
mod resume;
#[path = "tests/retention.rs"]
mod retention;
#[path = "tests/retention_ceilings.rs"]
mod retention_ceilings;
#[path = "tests/retention_crashes.rs"]
mod retention_crashes;
#[path = "tests/retention_damage.rs"]
mod retention_damage;
#[path = "tests/retention_histories.rs"]
mod retention_histories;
#[path = "tests/retention_versions.rs"]
mod retention_versions;
#[path = "tests/scrubbing.rs"]
mod scrubbing;
#[path = "tests/stepwise.rs"]
mod stepwise;
#[path = "tests/syncs.rs"]
mod syncs;
#[path = "tests/upgrades.rs"]
mod upgrades;
#[path = "tests/world.rs"]
mod world;

mod on_disk {
    use super::world::{DiskWorld, present};

    crate::store::conformance::suite!(|| {
        let (world, clock) = (DiskWorld::new(), present());
        (world.open_at(clock.clone()), clock, world)
    });
}

mod in_memory {
    use super::world::{in_memory, present};

    crate::store::conformance::suite!(|| {
        let clock = present();
        (in_memory(clock.clone()), clock, ())
    });
}
