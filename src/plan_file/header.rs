//! [`PlanHeader`]: the first line of a plan file: of what it is the plan.

use std::fmt;
use std::os::unix::ffi::OsStrExt;

use serde::{Deserialize, Serialize};

use crate::json_bytes::JsonBytes;
use crate::route::Route;

/// The format that this version writes and reads.
const VERSION: u32 = 1;

/// Of what a plan is: one source and its mirror.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanHeader {
    /// The format's version; the field's name tells what file this is.
    roundsman_plan: u32,
    /// Where the mirror lies, as people know it.
    mirror: String,
    /// The source.
    source: JsonBytes,
}

impl PlanHeader {
    /// That of a plan for this route.
    pub(crate) fn of(route: &Route) -> Self {
        let source = JsonBytes(route.source.as_os_str().as_bytes().to_vec());
        Self { roundsman_plan: VERSION, mirror: route.place(), source }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers and strings have a JSON form")
    }

    /// Reads the first line; what is wrong with it, in words.
    pub(super) fn from_json(line: &[u8]) -> Result<Self, String> {
        let header: Self =
            serde_json::from_slice(line).map_err(|error| format!("not the first line of a plan: {error}"))?;
        match header.roundsman_plan {
            VERSION => Ok(header),
            other => Err(format!("a plan of version {other}, and this program reads version {VERSION}")),
        }
    }
}

impl fmt::Display for PlanHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mirror = protocol::escape(self.mirror.as_bytes());
        write!(f, "{} -> {mirror}", protocol::escape(&self.source.0))
    }
}
