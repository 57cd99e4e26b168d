//! Sizes as people write them: `400MB`, `512MiB`, `2GiB`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// A number of bytes that is read from and written as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size(pub u64);

/// Units, those that are written first.
const UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a size: write it as 400MB, 512MiB or 2GiB");
        let lower = text.trim().to_ascii_lowercase();
        let units = UNITS.iter();
        let mut units = units.map(|(unit, bytes)| (unit.to_ascii_lowercase(), *bytes));
        // A bare number is refused because its unit would be a guess.
        let found = units.find_map(|(unit, bytes)| Some((lower.strip_suffix(&unit)?, bytes)));
        let (number, unit) = found.ok_or_else(wrong)?;
        let number: u64 = number.trim().parse().map_err(|_| wrong())?;
        number.checked_mul(unit).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, bytes): &&(&str, u64)| self.0 >= *bytes && self.0.is_multiple_of(*bytes);
        // The largest unit of which it is a whole number.
        match UNITS.iter().filter(whole).max_by_key(|(_, bytes)| *bytes) {
            Some((unit, bytes)) => write!(f, "{}{unit}", self.0 / bytes),
            None => write!(f, "{}B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = |text: &str| text.parse().map(|Size(bytes)| bytes);
        assert_eq!(read("400MB"), Ok(400_000_000));
        assert_eq!(read(" 512 mib "), Ok(512 << 20));
        assert_eq!(read("2GiB"), Ok(2 << 30));
        assert_eq!(read("17B"), Ok(17));
        for wrong in ["", "400", "much", "-1MB", "1.5GB", "99999999999999GB"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_are_written_so_that_they_can_be_read_again() {
        for text in ["2GiB", "400MB", "512MiB", "17B", "0B"] {
            let size: Size = text.parse().expect("valid");
            assert_eq!(size.to_string(), text);
        }
    }
}
