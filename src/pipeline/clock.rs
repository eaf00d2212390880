//! The clock that is passed in: what time entries are stamped with.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Send {
    /// Seconds since 1970-01-01T00:00:00Z.
    fn now_s(&self) -> u32;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_s(&self) -> u32 {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        u32::try_from(elapsed).unwrap_or(u32::MAX)
    }
}

/// A clock that stands still, for tests and reproducible runs.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub u32);

impl Clock for FixedClock {
    fn now_s(&self) -> u32 {
        self.0
    }
}
