//! The receiver: takes checked batches from clients and turns them into mirrors.
//!
//! From the outside in: [`Application`] is the whole, with its data directory ([`DataDir`]) and its listener; the
//! HTTP handlers find out who asks ([`Accounts`]) and let the [`Service`] answer; that asks a [`store::Store`].
//! Everything from the service inwards is synchronous and knows no HTTP, so that tests run it without a network.

mod account;
mod accounts;
mod accounts_database;
mod accounts_error;
mod accounts_invites;
mod accounts_seen;
mod accounts_tokens;
mod application;
mod application_background;
mod application_running;
mod application_server;
mod application_settings;
mod caller;
mod catalog;
mod client_folder;
mod data_dir;
mod data_dir_files;
mod http;
mod http_body;
mod http_encoding;
mod http_failure;
mod http_join;
pub mod http_limits;
mod http_log;
mod http_room;
mod http_routes;
mod http_share;
mod http_slowdown;
#[cfg(test)]
mod http_test_client;
mod memory_store;
mod retention;
mod service;
#[cfg(test)]
mod service_test_store;
pub mod store;
mod token;
mod token_key;
mod tree_store;

pub use account::{Account, Grant, IssuedToken, OpenInvite, TokenState};
pub use accounts::Accounts;
pub use accounts_error::{AccountsError, JoinError, VerifyError};
pub use accounts_invites::{Invited, JoinedClient};
pub use accounts_tokens::Rotated;
pub use application::Application;
pub use application_running::{ApplicationHandle, Running};
pub use application_settings::{Settings, StartError};
pub use caller::{Access, Caller};
pub use catalog::{MirrorOverview, Overview};
pub use client_folder::{OverviewError, RemoveError, overview, remove_client};
pub use data_dir::{DataDir, DataDirError, Held, HoldError, Published, refuse_what_is_none};
pub use memory_store::MemoryStore;
pub use retention::{AtCeiling, Keeping, Retention, Retentions};
pub use service::Service;
pub use store::Store;
pub use token::{InvalidTokenId, Token, TokenId, Unauthorized};
pub use tree_store::{Catalogs, Lack, ProbeReport, RebuildError, Rebuilt, TreeStore, TreeStoreError, rebuild_catalog};
