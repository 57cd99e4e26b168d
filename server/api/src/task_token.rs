//! Task tokens: opaque to workers, stateless for the server. They survive a
//! restart and are recognised as ours by a checksum over all of their bytes.

use bytes::{BufMut as _, Bytes, BytesMut};
use everturn_engine::decide::{ActivityToken, TaskToken};
use everturn_engine::hash::stable_hash;
use everturn_engine::text::RootKey;

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// An attempt of an activity.
    Activity(RootKey, ActivityToken),
    /// A workflow task.
    Workflow(RootKey, TaskToken),
}

const ACTIVITY: u8 = 0x11;
const WORKFLOW: u8 = 0x12;
const CHECKSUM_BYTES: usize = 4;

/// The token of an attempt.
pub(crate) fn activity(root: &RootKey, token: ActivityToken) -> Bytes {
    let mut bytes = BytesMut::with_capacity(64 + root.id.as_str().len());
    bytes.put_u8(ACTIVITY);
    bytes.put_u32(token.slot);
    bytes.put_u64(token.activity);
    bytes.put_u32(token.attempt);
    bytes.put_u64(token.epoch);
    finish(bytes, root)
}

/// The token of a workflow task.
pub(crate) fn workflow(root: &RootKey, token: TaskToken) -> Bytes {
    let mut bytes = BytesMut::with_capacity(48 + root.id.as_str().len());
    bytes.put_u8(WORKFLOW);
    bytes.put_u32(token.slot);
    bytes.put_u64(token.epoch);
    finish(bytes, root)
}

/// Reads a token; `None` for anything that is not exactly one of ours.
pub(crate) fn parse(bytes: &[u8]) -> Option<Token> {
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    if *checksum != self::checksum(body) {
        return None;
    }
    let (kind, rest) = body.split_first()?;
    let mut reader = Reader(rest);
    match *kind {
        ACTIVITY => {
            let token = ActivityToken {
                slot: reader.u32()?,
                activity: reader.u64()?,
                attempt: reader.u32()?,
                epoch: reader.u64()?,
            };
            Some(Token::Activity(reader.root()?, token))
        }
        WORKFLOW => {
            let token = TaskToken {
                slot: reader.u32()?,
                epoch: reader.u64()?,
            };
            Some(Token::Workflow(reader.root()?, token))
        }
        _ => None,
    }
}

fn finish(mut bytes: BytesMut, root: &RootKey) -> Bytes {
    let namespace = root.namespace.as_str().as_bytes();
    // Names have at most 256 bytes.
    bytes.put_u16(u16::try_from(namespace.len()).unwrap_or(u16::MAX));
    bytes.put_slice(namespace);
    bytes.put_slice(root.id.as_str().as_bytes());
    let sum = checksum(&bytes);
    bytes.put_slice(&sum);
    bytes.freeze()
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash = stable_hash(&[b"task token", body]);
    ((hash >> 32) as u32 ^ hash as u32).to_be_bytes()
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn u32(&mut self) -> Option<u32> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*head))
    }

    fn u64(&mut self) -> Option<u64> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*head))
    }

    /// The root, which is everything that is left.
    fn root(&mut self) -> Option<RootKey> {
        let (head, rest) = self.0.split_first_chunk()?;
        let (namespace, id) = rest.split_at_checked(usize::from(u16::from_be_bytes(*head)))?;
        Some(RootKey {
            namespace: std::str::from_utf8(namespace).ok()?.into(),
            id: std::str::from_utf8(id).ok()?.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> RootKey {
        RootKey {
            namespace: "default".into(),
            id: "customer-7".into(),
        }
    }

    #[test]
    fn a_token_reads_back_as_what_it_was_made_of() {
        let attempt = ActivityToken {
            slot: 3,
            activity: 77,
            attempt: 2,
            epoch: 1 << 40,
        };
        let parsed = parse(&activity(&root(), attempt));
        assert_eq!(parsed, Some(Token::Activity(root(), attempt)));
        let task = TaskToken { slot: 9, epoch: 5 };
        let parsed = parse(&workflow(&root(), task));
        assert_eq!(parsed, Some(Token::Workflow(root(), task)));
    }

    #[test]
    fn a_token_with_any_byte_changed_added_or_missing_is_refused() {
        let token = workflow(&root(), TaskToken { slot: 9, epoch: 5 });
        for index in 0..token.len() {
            let mut changed = token.to_vec();
            changed[index] ^= 0x40;
            assert_eq!(parse(&changed), None, "byte {index}");
            assert_eq!(parse(&token[..index]), None, "cut at {index}");
        }
        let mut longer = token.to_vec();
        longer.push(0);
        assert_eq!(parse(&longer), None);
        assert_eq!(parse(b""), None);
    }
}
