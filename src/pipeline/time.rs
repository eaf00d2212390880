//! Time as an input: ticks, by which consents expire, values leave their retention, and what was given for later begins.
//!
//! A tick is written where something may change by it: with whatever records, consents and people in charge bring,
//! when something is due, or when an operator sets the clock on by hand. What comes may meet a consent that began or ended
//! while nobody carried its identifier, or may be past its retention: each epoch is decided at its own time.
//! INVARIANT: time never goes back; a machine whose clock does, stays at the last tick.

use super::{Committed, Error, Onefold};
use crate::ledger::Tick;

const SECOND_US: i64 = 1_000_000;

impl Onefold {
    /// The time up to which what ends has ended, microseconds since 1970; `None`: no tick has come.
    pub fn tick(&self) -> Option<i64> {
        self.engine.now()
    }

    /// When something changes by itself next, microseconds since 1970; `None`: never.
    pub fn due_us(&self) -> Option<i64> {
        Some(self.engine.due()).filter(|due| *due != i64::MAX)
    }

    /// Sets the clock on to an instant, microseconds since 1970, and commits what follows from it. Everything taken before
    /// is committed with it.
    ///
    /// # Errors
    /// [`Error::BadName`] when time would go back; else as [`commit`](Self::commit).
    pub fn tick_until(&mut self, at: i64) -> Result<Committed, Error> {
        self.running()?;
        if let Some(tick) = self.tick().filter(|tick| at < *tick) {
            let what = format!(
                "the clock of this directory stands at {} and never goes back: give a later time",
                jiff::Timestamp::from_microsecond(tick).map_or_else(|_| tick.to_string(), |time| time.to_string())
            );
            return Err(Error::BadName { what });
        }
        self.stamp();
        let ticked = self.write_tick(at, true).and_then(|()| self.close_epoch(None));
        self.stop_on_error(ticked)
    }

    /// Writes a tick for the open epoch, where time matters to it.
    pub(super) fn tick_if_due(&mut self) -> Result<(), Error> {
        let now = i64::from(self.options.clock.now_s()) * SECOND_US;
        let matters = self.open.brings_facts() || self.engine.due() <= now;
        // One that a stop left uncommitted stands: the epoch is of its time.
        let is_late = self.open.tick.is_none() && self.tick().is_none_or(|tick| tick < now);
        if matters && is_late { self.write_tick(now, false) } else { Ok(()) }
    }

    /// Whether time alone changes something by now.
    pub(super) fn is_due(&self) -> bool {
        self.engine.due() <= i64::from(self.options.clock.now_s()) * SECOND_US
    }

    pub(super) fn write_tick(&mut self, at: i64, by_hand: bool) -> Result<(), Error> {
        let tick = Tick { at, by_hand };
        self.ledger.append(&tick)?;
        self.settle_tick(tick);
        Ok(())
    }

    /// Puts a tick that stands in the ledger into the open epoch.
    pub(super) fn settle_tick(&mut self, tick: Tick) {
        self.open.tick = Some(tick.at);
    }
}
