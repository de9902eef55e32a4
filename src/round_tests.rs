//! Rounds wholly in memory: the client's engine and the receiver's, as shipped, over a transport that is a call.

#[path = "round_tests/changing.rs"]
mod changing;
#[path = "round_tests/clocks.rs"]
mod clocks;
#[path = "round_tests/deltas.rs"]
mod deltas;
#[path = "round_tests/faults.rs"]
mod faults;
#[path = "round_tests/histories.rs"]
mod histories;
#[path = "round_tests/holds.rs"]
mod holds;
#[path = "round_tests/late.rs"]
mod late;
#[path = "round_tests/mending.rs"]
mod mending;
#[path = "round_tests/moves.rs"]
mod moves;
#[path = "round_tests/names.rs"]
mod names;
#[path = "round_tests/quiet.rs"]
mod quiet;
#[path = "round_tests/restore_faults.rs"]
mod restore_faults;
#[path = "round_tests/restores.rs"]
mod restores;
#[path = "round_tests/rollbacks.rs"]
mod rollbacks;
#[path = "round_tests/scrubs.rs"]
mod scrubs;
#[path = "round_tests/sources.rs"]
mod sources;
#[path = "round_tests/spilled.rs"]
mod spilled;
#[path = "round_tests/storm.rs"]
mod storm;
#[path = "round_tests/unmounts.rs"]
mod unmounts;
#[path = "round_tests/verifying.rs"]
mod verifying;
#[path = "round_tests/world.rs"]
mod world;
