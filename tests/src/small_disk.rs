//! A disk with little room: a tmpfs, mounted for one test.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A small disk; it is unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one. `None` where that is not allowed, as in a container without
    /// the rights to it.
    ///
    /// # Panics
    /// When there is no temporary folder.
    #[must_use]
    pub fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: a small disk cannot be mounted here");
        None
    }

    /// A path on it.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Takes all the room that is left.
    ///
    /// # Panics
    /// When nothing can be written at all.
    pub fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.path("filler")).expect("a file");
        let block = [0; 4_096];
        while file.write_all(&block).is_ok() {}
    }

    /// Gives it back.
    ///
    /// # Panics
    /// When it was not filled.
    pub fn free(&self) {
        std::fs::remove_file(self.path("filler")).expect("it was filled");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has a file open there keeps it until then.
        let _ = Command::new("umount")
            .arg("-l")
            .arg(self.folder.path())
            .output();
    }
}
