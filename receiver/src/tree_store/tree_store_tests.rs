#[path = "tests/concurrency.rs"]
mod concurrency;
#[path = "tests/crashes.rs"]
mod crashes;
#[path = "tests/durable.rs"]
mod durable;
#[path = "tests/histories.rs"]
mod histories;
#[path = "tests/meddling.rs"]
mod meddling;
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
#[path = "tests/restarts.rs"]
mod restarts;
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
