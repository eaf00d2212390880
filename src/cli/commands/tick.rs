//! `onefold tick`: what ends by time ends.
//!
//! It never takes time back, asks before it goes far ahead of the machine's clock, and writes nothing where that clock has
//! nothing to end.

use super::{day, is_no_day};
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, counted, line};
use crate::cli::{access, terminal};
use crate::pipeline::{Clock, Committed, Day, Onefold, SystemClock};
use serde_json::json;

const DAY_US: i64 = 86_400_000_000;

/// Brings the data directory to the machine's clock, or sets its clock on to a time that was given.
pub fn run(global: &Global, until: Option<&str>, yes: bool) -> anyhow::Result<u8> {
    let at = until.map(instant).transpose()?;
    let now = i64::from(SystemClock.now_s()) * 1_000_000;
    if let Some(at) = at.filter(|at| !yes && *at > now + DAY_US)
        && !may_go_ahead(global, at, now)?
    {
        line("The clock was left as it is.")?;
        return Ok(SUCCESS);
    }
    let mut onefold = Onefold::open(&global.data, access::open_options(global)?)?;
    let to = at.unwrap_or(now);
    let was_due = onefold.due_us().filter(|due| *due <= to);
    let done = match at {
        Some(at) => Some(onefold.tick_until(at)?),
        None => onefold.commit()?,
    };
    if global.json {
        output::json(&json!({
            "epoch": done.as_ref().map(|done| done.epoch.0), "profiles": done.as_ref().map_or(0, |done| done.profiles),
            "tick_us": onefold.tick(), "was_due_us": was_due, "due_us": onefold.due_us(),
        }))?;
    } else if !global.quiet {
        tell(to, was_due, done.as_ref())?;
        match onefold.due_us() {
            Some(due) => line(format!("Due next: {} UTC.", output::time(Some(due))))?,
            None => line("Nothing will end by time alone.")?,
        }
    }
    Ok(SUCCESS)
}

/// Asks whether to set the clock so far ahead.
fn may_go_ahead(global: &Global, at: i64, now: i64) -> anyhow::Result<bool> {
    let days = (at - now) / DAY_US;
    let ahead = format!("{} UTC is {} ahead", output::time(Some(at)), counted(days.unsigned_abs(), "day", "days"));
    if global.json || !terminal::is_there() {
        let help = "give --yes to set the clock that far: what ends by then ends now, for good";
        return Err(Usage::new(format!("{ahead}, and nobody is there to be asked")).help(help).into());
    }
    line(format!(
        "{ahead}: all consents and retention that end by then end now, and new ones with an end before it, too."
    ))?;
    terminal::confirm("This cannot be undone.")
}

/// Says what was due and what became of it.
fn tell(to: i64, was_due: Option<i64>, done: Option<&Committed>) -> anyhow::Result<()> {
    let to = output::time(Some(to));
    match was_due {
        Some(due) => line(format!("Due since {} UTC: done up to {to} UTC.", output::time(Some(due))))?,
        None => line(format!("Nothing was due by {to} UTC."))?,
    }
    let Some(done) = done else { return Ok(()) };
    line(format!("Epoch {}: {} changed.", done.epoch, counted(done.profiles, "profile", "profiles")))
}

/// The microseconds since 1970 of a time in RFC 3339, or of the first second of a day in UTC.
fn instant(given: &str) -> anyhow::Result<i64> {
    if let Ok(day) = given.parse::<Day>() {
        return Ok(i64::from(day.0) * DAY_US);
    }
    if is_no_day(given) {
        return Ok(i64::from(day(given)?.0) * DAY_US);
    }
    let wrong = |_| {
        let what = format!("`{}` is neither a time nor a day", output::shown(given));
        Usage::new(what).help("write it as 2027-03-01T09:30:00Z or as 2027-03-01, which begins at midnight UTC")
    };
    Ok(given.parse::<jiff::Timestamp>().map_err(wrong)?.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_days_are_read() {
        for (given, expected) in [
            ("1970-01-02", Some(86_400_000_000)),
            ("1970-01-01T00:00:01Z", Some(1_000_000)),
            ("1970-01-01T01:00:01+01:00", Some(1_000_000)),
            ("1970-02-30", None),
            ("1970-01-01T00:00:01", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(instant(given).ok(), expected, "{given}");
        }
    }
}
