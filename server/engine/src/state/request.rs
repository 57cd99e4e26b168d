//! Requests that came with an id: what is remembered of them.

use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode};

use crate::rejection::Rejection;

/// The id of a request, and what it asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode)]
pub struct Request {
    /// Hash of the request's kind and id; 0 for none.
    #[n(0)]
    pub hash: u64,
    /// Hash of everything else in it; 0 if it is not known.
    #[n(1)]
    pub fingerprint: u64,
}

impl From<u64> for Request {
    fn from(hash: u64) -> Self {
        Self {
            hash,
            fingerprint: 0,
        }
    }
}

/// What was stored before fingerprints were is the hash alone.
impl<'b, C> Decode<'b, C> for Request {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        if !matches!(d.datatype()?, Type::Array) {
            return Ok(d.u64()?.into());
        }
        let fields = d.array()?.unwrap_or(0);
        let mut values = [0; 2];
        for at in 0..fields {
            match values.get_mut(usize::try_from(at).unwrap_or(usize::MAX)) {
                Some(value) => *value = d.u64()?,
                None => d.skip()?,
            }
        }
        let [hash, fingerprint] = values;
        Ok(Self { hash, fingerprint })
    }
}

impl Request {
    /// Whether there is an id.
    #[must_use]
    pub fn is_given(&self) -> bool {
        self.hash != 0
    }

    /// Whether another request with the id of this one asks for the same.
    ///
    /// # Errors
    /// `RequestIdReused` when it does not.
    pub fn check_same(&self, fingerprint: u64) -> Result<(), Rejection> {
        if fingerprint == self.fingerprint || fingerprint == 0 || self.fingerprint == 0 {
            return Ok(());
        }
        Err(Rejection::RequestIdReused)
    }
}
