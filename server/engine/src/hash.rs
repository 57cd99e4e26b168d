//! The one hash function whose values are stored: FNV-1a, 64 bits.
//! Parameters: <http://www.isthe.com/chongo/tech/comp/fnv/>.

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// Hashes several parts, each followed by a separator that no part holds, so
/// that moving bytes from one part to the next changes the value.
#[must_use]
pub fn stable_hash(parts: &[&[u8]]) -> u64 {
    let mut hash = OFFSET_BASIS;
    for part in parts {
        for byte in *part {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        // 0xff never occurs in UTF-8.
        hash = (hash ^ 0xff).wrapping_mul(PRIME);
    }
    hash
}
