//! How much memory this process uses, and how much its control group lets it have.

use std::io;

/// Where the kernel shows control groups: all of them in version 2, those of memory in version 1.
const VERSION_2: &str = "/sys/fs/cgroup";
const VERSION_1: &str = "/sys/fs/cgroup/memory";

/// Resident, in bytes.
pub(super) fn used() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    resident(&status).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no VmRSS"))
}

/// The least that the group of this process and those around it may use, in bytes; None without any limit.
pub(super) fn limit() -> Option<u64> {
    // A system without control groups limits nothing by them.
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    // So does a group without the file, as the root has none.
    limit_of(&groups, |path| std::fs::read_to_string(path).ok())
}

/// The line that says it in kB is the same as the second number of `statm`, which is in pages.
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// `groups` has lines `number:controllers:path`, without controllers in version 2 (cgroups(7)).
fn limit_of(groups: &str, read: impl Fn(&str) -> Option<String>) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let (root, file) = match controllers {
            "" => (VERSION_2, "memory.max"),
            some if some.split(',').any(|one| one == "memory") => {
                (VERSION_1, "memory.limit_in_bytes")
            }
            _ => return None,
        };
        around(path).filter_map(|group| number(&read(&format!("{root}{group}/{file}"))?)).min()
    });
    limits.min()
}

/// The group, and every one that it is in; the last one is the root, which is all that a container sees.
fn around(path: &str) -> impl Iterator<Item = &str> {
    let path = path.trim_end_matches('/');
    std::iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0))
}

/// `max` is no limit.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_in_use_is_read_from_the_status() {
        let check = |status: &str, want| assert_eq!(resident(status), want, "{status}");
        check("VmPeak:\t 9 kB\nVmRSS:\t   12345 kB\nRssAnon:\t 1 kB\n", Some(12_345 * 1024));
        check("VmPeak:\t 9 kB\n", None);
        check("VmRSS:\t 1 MB\n", None);
        assert!(used().unwrap() > 1024 * 1024);
    }

    #[test]
    fn the_narrowest_limit_around_the_process_counts() {
        let check = |groups: &str, files: &[(&str, &str)], want: Option<u64>| {
            let read = |path: &str| {
                let found = files.iter().find(|(known, _)| *known == path);
                found.map(|(_, text)| (*text).to_owned())
            };
            assert_eq!(limit_of(groups, read), want, "{groups} {files:?}");
        };
        let service = [
            ("/sys/fs/cgroup/system.slice/trimtab.service/memory.max", "max\n"),
            ("/sys/fs/cgroup/system.slice/memory.max", "2000\n"),
        ];
        check("0::/system.slice/trimtab.service\n", &service, Some(2000));
        check("0::/system.slice/trimtab.service\n", &service[..1], None);
        check("0::/\n", &[("/sys/fs/cgroup/memory.max", "512\n")], Some(512));
        let version_1 = "7:cpu,cpuacct:/a\n6:memory:/docker/1\n";
        let inside = [("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1024\n")];
        check(version_1, &inside, Some(1024));
        let outside = [("/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "64\n")];
        check(version_1, &[outside[0], inside[0]], Some(64));
        check("7:cpu:/a\nrubbish\n", &inside, None);
        check("", &inside, None);
    }
}
