//! Rows of figures: what was measured, beside what, and whether it is what was aimed at.
//!
//! Each is printed as soon as it is known; all of them together make the JSON. A further measurement is a further
//! [`Row`] and nothing else.

use crate::cli::output::{self, line};
use serde_json::{Value, json};

/// One figure.
pub struct Row {
    /// For scripts; never changes.
    name: String,
    what: String,
    value: f64,
    unit: &'static str,
    beside: Option<Beside>,
    target: Option<Target>,
}

/// What a figure is measured against, in the same unit.
pub struct Beside {
    /// What it is.
    pub what: &'static str,
    /// How much.
    pub value: f64,
}

/// What is aimed at.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At least this share of what stands beside it.
    Ratio(f64),
    /// At least this much.
    AtLeast(f64),
    /// Less than this.
    Below(f64),
}

impl Row {
    /// A figure by itself.
    pub fn new(name: impl Into<String>, what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), what: what.into(), value, unit, beside: None, target: None }
    }

    /// Says what it is measured against.
    pub fn beside(mut self, beside: Beside) -> Self {
        self.beside = Some(beside);
        self
    }

    /// Says what is aimed at.
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    fn ratio(&self) -> Option<f64> {
        self.beside.as_ref().map(|beside| self.value / beside.value)
    }

    /// Whether it is what was aimed at; `None` when nothing was.
    fn met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::Ratio(least) => self.ratio()? >= least,
            Target::AtLeast(least) => self.value >= least,
            Target::Below(most) => self.value < most,
        })
    }

    fn text(&self) -> String {
        let mut text = format!("{:<53}{:>11} {:<14}", self.what, shown(self.value), self.unit);
        if let (Some(beside), Some(ratio)) = (&self.beside, self.ratio()) {
            text.push_str(&format!("{ratio:.2} of {}", beside.what));
        }
        if let (Some(target), Some(met)) = (self.target, self.met()) {
            let comma = if self.beside.is_some() { ", " } else { "" };
            let met = if met { "met" } else { "missed" };
            text.push_str(&format!("{comma}target {}: {met}", target.text()));
        }
        text.trim_end().to_owned()
    }

    fn json(&self) -> Value {
        let beside = self.beside.as_ref();
        json!({
            "name": self.name,
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "beside": beside.map(|beside| beside.what),
            "beside_value": beside.map(|beside| beside.value),
            "ratio": self.ratio(),
            "target": self.target.map(Target::text),
            "met": self.met(),
        })
    }
}

impl Target {
    fn text(self) -> String {
        match self {
            Self::Ratio(least) => format!("≥ {least:.2}"),
            Self::AtLeast(least) => format!("≥ {}", shown(least)),
            Self::Below(most) => format!("< {}", shown(most)),
        }
    }
}

/// A value for people: whole and in threes when it is large, to the hundredth or thousandth when it is not.
fn shown(value: f64) -> String {
    match value {
        1000.0.. => output::count(value as u64),
        1.0..1000.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// All rows so far.
pub struct Report {
    quiet: bool,
    entries: u64,
    rows: Vec<Row>,
}

impl Report {
    /// No rows yet; a quiet one prints none.
    pub fn new(quiet: bool, entries: u64) -> Self {
        Self { quiet, entries, rows: Vec::new() }
    }

    /// Prints a line that is no figure.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn say(&self, text: &str) -> anyhow::Result<()> {
        if self.quiet { Ok(()) } else { line(text) }
    }

    /// Says what the next rows are about.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub fn section(&self, title: &str) -> anyhow::Result<()> {
        self.say(&format!("\n{title}"))
    }

    /// Takes in a figure and prints it.
    ///
    /// # Errors
    /// As [`say`](Self::say).
    pub fn add(&mut self, row: Row) -> anyhow::Result<()> {
        self.say(&format!("  {}", row.text()))?;
        self.rows.push(row);
        Ok(())
    }

    /// All of it for scripts.
    pub fn json(&self) -> Value {
        json!({ "entries": self.entries, "rows": self.rows.iter().map(Row::json).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_target_was_met() {
        let row = |target| {
            Row::new("a", "a thing", 40.0, "a second").beside(Beside { what: "L", value: 100.0 }).target(target)
        };
        let check = |target, met, words: &str| {
            let row = row(target);
            assert_eq!(row.met(), Some(met));
            assert!(row.text().ends_with(words), "{}", row.text());
            assert_eq!(row.json()["met"], met);
        };
        check(Target::Ratio(0.4), true, "0.40 of L, target ≥ 0.40: met");
        check(Target::Ratio(0.41), false, "target ≥ 0.41: missed");
        check(Target::AtLeast(5000.0), false, "target ≥ 5,000: missed");
        check(Target::Below(40.0), false, "target < 40.00: missed");
        check(Target::Below(41.0), true, "target < 41.00: met");
        let plain = Row::new("b", "another", 0.5, "s");
        assert_eq!((plain.met(), plain.json()["ratio"].is_null()), (None, true));
        assert!(plain.text().ends_with("0.500 s"));
    }
}
