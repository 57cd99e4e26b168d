//! Page tokens: where a list goes on, bound to the request that they came
//! from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use everturn_engine::hash::stable_hash;
use everturn_engine::value::Time;
use everturn_proto::v1::ErrorReason;
use everturn_runtime::Cursor;
use tonic::{Code, Status};

use crate::error;

/// Bytes of a token that are not the id of its row: checksum and time.
const FIXED_BYTES: usize = 16;

/// The request that a token belongs to: its method and the fields that must
/// stay the same from page to page.
pub(crate) fn scope(parts: &[&str]) -> u64 {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    stable_hash(&parts)
}

/// The token of the page after a row.
pub(crate) fn write(scope: u64, cursor: &Cursor) -> String {
    let mut bytes = Vec::with_capacity(FIXED_BYTES + cursor.id.len());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(&cursor.time.to_be_bytes());
    bytes.extend_from_slice(&cursor.id);
    let sum = checksum(scope, &bytes[8..]);
    bytes[..8].copy_from_slice(&sum);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The token of a page that begins after a position.
pub(crate) fn write_position(scope: u64, position: u64) -> String {
    let cursor = Cursor {
        time: position.cast_signed(),
        id: Vec::new(),
    };
    write(scope, &cursor)
}

/// The token of a page that begins after a message, by time and position.
pub(crate) fn write_place(scope: u64, time: Time, sequence: u64) -> String {
    let cursor = Cursor {
        time: time.0,
        id: sequence.to_be_bytes().to_vec(),
    };
    write(scope, &cursor)
}

/// Reads a token; an empty one is the first page.
pub(crate) fn read(scope: u64, token: &str) -> Result<Option<Cursor>, Status> {
    if token.is_empty() {
        return Ok(None);
    }
    let cursor = parse(scope, token).ok_or_else(|| {
        error::status(
            Code::InvalidArgument,
            ErrorReason::PageTokenInvalid,
            "page_token was not given out for this request",
        )
    })?;
    Ok(Some(cursor))
}

/// Reads the token of a page that begins after a position.
pub(crate) fn read_position(scope: u64, token: &str) -> Result<Option<u64>, Status> {
    Ok(read(scope, token)?.map(|cursor| cursor.time.cast_unsigned()))
}

/// Reads the token of a page that begins after a message.
pub(crate) fn read_place(scope: u64, token: &str) -> Result<Option<(Time, u64)>, Status> {
    let cursor = read(scope, token)?;
    Ok(cursor.and_then(|cursor| {
        let sequence = cursor.id.try_into().ok()?;
        Some((Time(cursor.time), u64::from_be_bytes(sequence)))
    }))
}

fn parse(scope: u64, token: &str) -> Option<Cursor> {
    // Longer than any of ours: not even decoded.
    if token.len() > 1_024 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (sum, body) = bytes.split_first_chunk::<8>()?;
    if *sum != checksum(scope, body) {
        return None;
    }
    let (time, id) = body.split_first_chunk::<8>()?;
    Some(Cursor {
        time: i64::from_be_bytes(*time),
        id: id.to_vec(),
    })
}

fn checksum(scope: u64, body: &[u8]) -> [u8; 8] {
    stable_hash(&[b"page token", &scope.to_be_bytes(), body]).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_its_request_alone() {
        let ours = scope(&["ListConversations", "default", "support"]);
        let cursor = Cursor {
            time: -5,
            id: b"customer-7".to_vec(),
        };
        let token = write(ours, &cursor);
        assert_eq!(read(ours, &token).expect("ours"), Some(cursor));
        let other = scope(&["ListConversations", "default", "sales"]);
        assert!(read(other, &token).is_err());
        assert!(read(ours, &format!("{token}A")).is_err());
        assert!(read(ours, "not base64!").is_err());
        assert!(read(ours, &"A".repeat(5_000)).is_err());
        assert_eq!(read(ours, "").expect("first page"), None);
    }
}
