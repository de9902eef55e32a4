//! [`JsonBytes`]: bytes that are mostly text, exact in JSON: a string where they are UTF-8, else `{"base64": "..."}`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes on their way to JSON, or from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonBytes(pub(crate) Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Exact { base64: String },
}

impl From<&Path> for JsonBytes {
    fn from(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }
}

impl From<JsonBytes> for PathBuf {
    fn from(bytes: JsonBytes) -> Self {
        OsString::from_vec(bytes.0).into()
    }
}

impl Serialize for JsonBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = match std::str::from_utf8(&self.0) {
            Ok(text) => Form::Text(text.to_owned()),
            Err(_) => Form::Exact { base64: STANDARD.encode(&self.0) },
        };
        form.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self(text.into_bytes())),
            Form::Exact { base64 } => STANDARD.decode(base64).map(Self).map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were_whether_they_are_text_or_not() {
        for (bytes, json) in [(&b"a\"b"[..], r#""a\"b""#), (b"\xff", r#"{"base64":"/w=="}"#)] {
            let shown = serde_json::to_string(&JsonBytes(bytes.to_vec())).expect("has a JSON form");
            assert_eq!(shown, json);
            assert_eq!(serde_json::from_str::<JsonBytes>(&shown).expect("was JSON").0, bytes);
        }
        serde_json::from_str::<JsonBytes>(r#"{"base64":"?"}"#).expect_err("is no base64");
    }
}
