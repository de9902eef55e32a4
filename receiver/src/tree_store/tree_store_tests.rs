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
#[path = "tests/restarts.rs"]
mod restarts;
#[path = "tests/world.rs"]
mod world;

mod on_disk {
    use super::world::DiskWorld;

    crate::store::conformance::suite!(|| {
        let world = DiskWorld::new();
        (world.open(), world)
    });
}

mod in_memory {
    use super::world::in_memory;

    crate::store::conformance::suite!(|| (in_memory(), ()));
}
