//! Which cores this process may use, and keeping a thread on one of them.

use std::io;
use std::mem;

/// Cores that the kernel's fixed-size set can name (`CPU_SETSIZE`).
const CORES_MAX: usize = libc::CPU_SETSIZE as usize;

/// The cores this process may run on: what a container, `taskset` or systemd left of the machine.
pub fn cores() -> io::Result<Vec<usize>> {
    let mut set = no_cores();
    // SAFETY: 0 means the calling thread, and the kernel writes at most the size given, which is
    // the size of `set`.
    let outcome = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    if outcome != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: every index is below CPU_SETSIZE, the number of bits in `set`.
    Ok((0..CORES_MAX).filter(|&core| unsafe { libc::CPU_ISSET(core, &set) }).collect())
}

/// Keeps the calling thread on one core, named as [`cores`] names it.
pub fn pin_to_core(core: usize) -> io::Result<()> {
    if core >= CORES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("no core {core}")));
    }
    let mut set = no_cores();
    // SAFETY: `core` is below CPU_SETSIZE, the number of bits in `set`.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: 0 means the calling thread, and the kernel reads the size given, which is that of
    // `set`.
    let outcome = unsafe { libc::sched_setaffinity(0, size_of_val(&set), &raw const set) };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn no_cores() -> libc::cpu_set_t {
    // SAFETY: cpu_set_t is an array of integers, for which all zeroes is the empty set.
    unsafe { mem::zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_has_one_core() {
        std::thread::spawn(|| {
            let last = cores().unwrap().pop().unwrap();
            pin_to_core(last).unwrap();
            assert_eq!(cores().unwrap(), [last]);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused() {
        for core in [CORES_MAX - 1, CORES_MAX, usize::MAX] {
            assert_eq!(pin_to_core(core).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        }
    }
}
