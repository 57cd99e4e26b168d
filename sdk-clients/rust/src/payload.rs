//! Values in and out of payloads. Everturn never looks inside one; both SDKs
//! write JSON, and so do these.

use bytes::Bytes;
use everturn_proto::v1;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A payload that holds `value` as JSON.
///
/// # Errors
/// When `value` has no JSON form (a map with keys that are not text).
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<v1::Payload, serde_json::Error> {
    Ok(v1::Payload {
        data: Bytes::from(serde_json::to_vec(value)?),
        content_type: String::new(),
    })
}

/// Reads a JSON payload.
///
/// # Errors
/// When the bytes are not JSON of that shape.
pub fn json_value<T: DeserializeOwned>(payload: &v1::Payload) -> Result<T, serde_json::Error> {
    serde_json::from_slice(&payload.data)
}

/// The content of a plain text message.
#[must_use]
pub fn text(text: impl Into<String>) -> v1::MessageContent {
    v1::MessageContent {
        text: text.into(),
        ..Default::default()
    }
}

/// A failure of user code: its name and a text for people.
#[must_use]
pub fn failure(r#type: impl Into<String>, message: impl Into<String>) -> v1::Failure {
    v1::Failure {
        kind: v1::FailureKind::Application.into(),
        r#type: r#type.into(),
        message: message.into(),
        ..Default::default()
    }
}
