//! How much memory this process uses, and how much there is for it.

use std::path::Path;

/// What is assumed when nothing says how much there is.
const UNKNOWN_BYTES: u64 = 4 << 30;

/// Bytes of memory that the process uses: what is resident, without what the
/// allocator has free and is about to give back.
pub(crate) fn used() -> u64 {
    let resident = resident();
    resident.saturating_sub(free_in_allocator())
}

/// Bytes of memory that the machine or the container has, whichever is less.
pub(crate) fn available() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| total_of(&text));
    let group = std::fs::read_to_string("/proc/self/cgroup").ok();
    let groups = group.iter().flat_map(|text| limits_of(text));
    let least = machine.into_iter().chain(groups).min();
    least.unwrap_or(UNKNOWN_BYTES)
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1);
    let pages: u64 = pages.and_then(|it| it.parse().ok()).unwrap_or(0);
    pages * page_bytes()
}

fn page_bytes() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn free_in_allocator() -> u64 {
    use tikv_jemalloc_ctl::{epoch, stats};
    // The figures are those of the last epoch.
    let figures =
        epoch::advance().and_then(|_| Ok((stats::resident::read()?, stats::active::read()?)));
    figures.map_or(0, |(resident, active)| {
        resident.saturating_sub(active) as u64
    })
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn free_in_allocator() -> u64 {
    0
}

/// The total in the text of `/proc/meminfo`.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1_024)
}

/// The limits of the control groups that the text of `/proc/self/cgroup` names,
/// and of those around them
/// (<https://docs.kernel.org/admin-guide/cgroup-v2.html>, `memory.max`;
/// <https://docs.kernel.org/admin-guide/cgroup-v1/memory.html>,
/// `memory.limit_in_bytes`).
fn limits_of(cgroup: &str) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in cgroup.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else {
            continue;
        };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            it if it.split(',').any(|it| it == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        for folder in Path::new(path).ancestors() {
            let inside = folder.strip_prefix("/").unwrap_or(folder);
            let limit = std::fs::read_to_string(Path::new(root).join(inside).join(file));
            // "max" is none.
            limits.extend(limit.ok().and_then(|text| text.trim().parse::<u64>().ok()));
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_this_process_is_a_part_of_what_there_is() {
        let used = used();
        assert!(used > 1 << 20, "{used}");
        assert!(used < available(), "{used}");
    }

    #[test]
    fn the_total_of_the_machine_is_read() {
        let text = "MemTotal:       24689272 kB\nMemFree:         1 kB\n";
        assert_eq!(total_of(text), Some(24_689_272 * 1_024));
        assert_eq!(total_of("nothing"), None);
    }

    #[test]
    fn groups_without_a_limit_bound_nothing() {
        assert_eq!(
            limits_of("0::/no/such/group-of-ours\nnonsense\n")
                .iter()
                .min(),
            limits_of("0::/\n").iter().min()
        );
    }
}
