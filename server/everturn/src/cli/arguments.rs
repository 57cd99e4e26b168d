//! Values of arguments: labels and JSON inputs.

use std::time::Duration;

use everturn_client::v1;

/// Reads `key=value`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as key=value".to_owned()),
    }
}

/// Reads a JSON value; kept as written.
pub(super) fn json_payload(text: &str) -> Result<v1::Payload, String> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("not JSON: {error}"))?;
    Ok(v1::Payload {
        data: bytes::Bytes::copy_from_slice(text.as_bytes()),
        content_type: String::new(),
    })
}

/// A duration as the API writes it.
pub(super) fn proto_duration(duration: Duration) -> Option<prost_types::Duration> {
    prost_types::Duration::try_from(duration).ok()
}
