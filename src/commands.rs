//! What each command does, one file each.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod decide;
pub(crate) mod history;
pub(crate) mod join;
pub(crate) mod page;
pub(crate) mod receive;
pub(crate) mod restore;
pub(crate) mod scan;
pub(crate) mod status;
pub(crate) mod takeover;
pub(crate) mod verify;
pub(crate) mod why;
