//! What a run costs: CPU time of the whole process, wall time, resident memory, bytes on disk.

use rustix::time::{ClockId, clock_gettime};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// CPU time of all threads of this process so far.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// CPU time of the calling thread so far.
pub fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A span of work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// CPU time, all threads.
    pub cpu: Duration,
    /// Time on the wall.
    pub wall: Duration,
}

/// Does some work and says what it cost.
pub fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    let (cpu_before, wall) = (cpu(), Instant::now());
    let result = work();
    (result, Cost { cpu: cpu().saturating_sub(cpu_before), wall: wall.elapsed() })
}

/// Resident memory of this process, bytes; 0 where the system does not say.
pub fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|text| text.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Bytes of all files under a folder.
pub fn size_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size_bytes(&entry.path()),
            // What is allocated: a file may be made longer than what stands in it.
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// The value below which a share of the samples lies, by nearest rank.
pub fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}
