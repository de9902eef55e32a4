//! From a plan to a durable mirror: batches, requests, retries, acknowledgements.
//!
//! Decisions are values: [`batches()`] cuts a plan, [`decide`] says what a first contact means, frames are packed by a
//! pure function. What acts stands at the edges: [`Transport`] sends, [`Ledger`] remembers, [`Contents`] reads.
//! Everything is synchronous; tokio lives inside [`HttpTransport`] alone.

mod address;
mod attempt;
mod bases;
mod batch;
mod batches;
mod caller;
mod circles;
mod compress;
mod compressors;
mod contact;
mod contents;
mod course;
mod deliver;
mod due;
mod entangled;
mod error;
mod fill;
mod forgotten;
mod frames;
mod http;
mod http_answer;
mod http_error;
mod join;
mod ledger;
mod left_out;
mod level;
mod level_control;
mod lost_lists;
mod manifest;
mod mend;
mod offer;
mod pace;
mod paced_body;
mod packer;
mod probe;
mod rate;
mod recipes;
mod repair;
mod retry;
mod session;
mod set_apart;
mod token;
mod transport;
mod volume;

#[cfg(test)]
mod in_order_tests;
#[cfg(test)]
mod test_support;

pub use address::{Address, InvalidAddress};
pub use bases::{Bases, NoBases};
pub use batches::{Parted, Sizes, batches, in_order, parted};
pub use caller::{CallError, Caller};
pub use contact::{Next, Then, decide};
pub use contents::{ContentError, Contents};
pub use deliver::{BATCHES_IN_HAND, Deliverer, Delivery};
pub use due::Outlook;
pub use entangled::Entangled;
pub use error::DeliverError;
pub use http::{HttpSettings, HttpTransport, SetupError};
pub use join::{JoinError, Membership, join};
pub use ledger::{Ledger, Standing};
pub use left_out::{LeftOut, Unsettled, Why};
pub use level::{CompressionLevel, Level};
pub use level_control::{LevelControl, Sample};
pub use manifest::Manifest;
pub use mend::{Mending, Offers};
pub use pace::{LocalOffset, Pace};
pub use rate::{Rate, Span, TimeOfDay, Timetable};
pub use recipes::Recipes;
pub use retry::RetryPolicy;
pub use session::{Contacted, Meeting, claim, make_contact, meet, take_over};
pub use set_apart::{Apart, set_apart};
pub use token::{InvalidToken, Token};
pub use transport::{Cause, Traffic, Transport, TransportError};
pub use volume::Volume;
