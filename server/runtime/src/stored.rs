//! The stored form of what the view holds: CBOR, packed when that makes it
//! shorter. What people write, and what activities hand on, repeats itself.

use std::borrow::Cow;

use bytes::Bytes;
use minicbor::decode::Error;

/// What packed bytes begin with: as CBOR it would be the number 0, which nothing
/// stored is. The size follows, 4 bytes, then an LZ4 block
/// (<https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>).
const PACKED: u8 = 0;
/// Bytes from which on packing is tried.
const WORTHWHILE_BYTES: usize = 256;
/// Bytes that are unpacked at most: more than anything that is stored together.
const UNPACKED_BYTES: usize = 256 * 1024 * 1024;

/// Packs CBOR.
pub(crate) fn pack(cbor: Vec<u8>) -> Bytes {
    if cbor.len() < WORTHWHILE_BYTES {
        return Bytes::from(cbor);
    }
    let block = lz4_flex::block::compress_prepend_size(&cbor);
    if block.len() + 1 >= cbor.len() {
        return Bytes::from(cbor);
    }
    let mut packed = Vec::with_capacity(block.len() + 1);
    packed.push(PACKED);
    packed.extend_from_slice(&block);
    Bytes::from(packed)
}

/// The reverse of `pack`; bytes that were never packed are what they are.
pub(crate) fn unpack(stored: &[u8]) -> Result<Cow<'_, [u8]>, Error> {
    let Some((&PACKED, block)) = stored.split_first() else {
        return Ok(Cow::Borrowed(stored));
    };
    let (size, block) = block
        .split_first_chunk()
        .ok_or_else(|| Error::message("what is packed has no size"))?;
    let size = u32::from_le_bytes(*size) as usize;
    if size > UNPACKED_BYTES {
        return Err(Error::message("what is packed is too large"));
    }
    let unpacked = lz4_flex::block::decompress(block, size).map_err(Error::custom)?;
    Ok(Cow::Owned(unpacked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_what_would_be_longer_is_left_alone() {
        let repeats = "where is my parcel? ".repeat(100).into_bytes();
        let mut state = 1_u64;
        let noise = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8 | 1
        });
        let noise: Vec<u8> = noise.take(2_000).collect();
        for (bytes, is_packed) in [(repeats, true), (noise, false), (b"short".to_vec(), false)] {
            let packed = pack(bytes.clone());
            assert_eq!(packed[0] == PACKED, is_packed);
            assert!(packed.len() <= bytes.len());
            assert_eq!(unpack(&packed).expect("reads back"), bytes);
        }
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        let packed = pack(vec![1; 1_000]);
        for cut in [1, 3, packed.len() - 1] {
            assert!(unpack(&packed[..cut]).is_err());
        }
        let mut huge = packed.to_vec();
        huge[1..5].fill(0xff);
        assert!(unpack(&huge).is_err());
    }
}
