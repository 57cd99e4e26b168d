//! Room on the disk: after a write was refused for want of it, the next one is
//! tried when there is enough for more than one write.

use std::path::PathBuf;

use crate::error::Error;

/// Free bytes with which a full disk counts as usable again.
const ROOM_BYTES: u64 = 2 * 1024 * 1024;

/// What is known of the disk.
#[derive(Debug)]
pub(super) struct Room {
    folder: PathBuf,
    is_full: bool,
}

impl Room {
    /// The disk of a file.
    pub fn of(path: &std::path::Path) -> Self {
        let folder = path.parent().filter(|parent| *parent != "");
        Self {
            folder: folder.map_or_else(|| PathBuf::from("."), PathBuf::from),
            is_full: false,
        }
    }

    /// Takes note of how a write went.
    pub fn note<T>(&mut self, outcome: &Result<T, Error>) {
        match outcome {
            Ok(_) => self.is_full = false,
            Err(Error::Full(_)) => self.is_full = true,
            Err(_) => {}
        }
    }

    /// Whether it is worth trying to write.
    ///
    /// # Errors
    /// `Full`, while there is little room.
    pub fn check(&self) -> Result<(), Error> {
        if !self.is_full {
            return Ok(());
        }
        // A disk that cannot be asked is tried.
        let Ok(disk) = rustix::fs::statvfs(&self.folder) else {
            return Ok(());
        };
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < ROOM_BYTES {
            return Err(Error::Full(format!("{free} bytes are free")));
        }
        Ok(())
    }
}
