//! `onefold match`.

use super::{inspection, open, progress, record_name};
use crate::cli::args::{Global, MatchCommand};
use crate::cli::failure::{NOT_FOUND, SUCCESS, Usage};
use crate::cli::output::{self, Grid, line};
use crate::encoding::hex;
use crate::matching::{Model, train};
use crate::pipeline::{MatchView, bits, save_new};
use anyhow::Context;
use std::path::Path;

/// Does what was asked.
pub fn run(global: &Global, command: &MatchCommand) -> anyhow::Result<u8> {
    match command {
        MatchCommand::Train { output, automatic, review } => learn(global, output, *automatic, *review),
        MatchCommand::Explain { first, second, model } => explain(global, first, second, model.as_deref()),
        MatchCommand::Blocks { limit } => blocks(global, *limit),
        MatchCommand::Evaluate { truth, worst, chart } => super::evaluate::run(global, truth, *worst, chart.as_deref()),
    }
}

/// Learns a model and says how it is put to use.
fn learn(global: &Global, output: &Path, automatic: Option<f64>, review: Option<f64>) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.read_as(&inspection(global))?;
    let bar = progress(global);
    let records = reader.comparables(|count| bar.set_message(format!("{} records read", output::count(count))))?;
    bar.set_message(format!("learning from {} records", output::count(records.len() as u64)));
    let records: Vec<_> = records.into_iter().map(|(_, what)| what).collect();
    let trained = train(reader.schema(), &records);
    bar.finish_and_clear();
    let mut model = trained?;
    if automatic.is_some() || review.is_some() {
        let automatic = automatic.map_or(model.automatic(), millibits);
        model = model.with_thresholds(automatic, review.map_or(model.review().min(automatic), millibits));
    }
    save_new(output, &model.write())?;
    let digest = hex::encode(&model.digest());
    if global.json {
        let told = serde_json::json!({
            "records": model.records(), "model": digest, "automatic": model.automatic(), "review": model.review(),
        });
        output::json(&told)?;
        return Ok(SUCCESS);
    }
    if global.quiet {
        return Ok(SUCCESS);
    }
    line(format!("Learnt from {} records.", output::count(model.records())))?;
    line(format!("  joined from  {}", bits(model.automatic())))?;
    line(format!("  review from  {}", bits(model.review())))?;
    line("")?;
    line("To use it, put it into the folder of your bundle as `model.json` and write into `identity.toml`:")?;
    line("")?;
    line("  [matching]")?;
    line(format!("  model = \"{digest}\""))?;
    Ok(SUCCESS)
}

/// Bits as people write them, in millibits.
fn millibits(bits: f64) -> i32 {
    let bounded = (bits * 1000.0).round().clamp(-100_000.0, 100_000.0);
    #[expect(clippy::cast_possible_truncation, reason = "it lies within the bounds of the line above")]
    let whole = bounded as i32;
    whole
}

/// Shows the blocks that are too large.
fn blocks(global: &Global, limit: usize) -> anyhow::Result<u8> {
    let archive = open(global)?;
    let reader = archive.read_as(&inspection(global))?;
    let bar = progress(global);
    let blocks = reader.blocks(|count| bar.set_message(format!("{} records read", output::count(count))));
    bar.finish_and_clear();
    let mut blocks = blocks?;
    let many = blocks.oversized.len();
    blocks.oversized.truncate(limit);
    if global.json {
        let count = serde_json::json!({ "oversized_count": many });
        let mut told = serde_json::to_value(&blocks)?;
        if let (Some(told), Some(count)) = (told.as_object_mut(), count.as_object()) {
            told.extend(count.clone());
        }
        output::json(&told)?;
        return Ok(SUCCESS);
    }
    let (all, max) = (output::counted(blocks.count, "block", "blocks"), blocks.records_max);
    line(format!("{all} of two records or more, {} of more than {max}.", output::count(many as u64)))?;
    if blocks.oversized.is_empty() {
        return Ok(SUCCESS);
    }
    line("")?;
    let mut grid = Grid::new(&["records!", "such as"]);
    for block in &blocks.oversized {
        let sample: Vec<String> = block.sample.iter().map(record_name).collect();
        grid.row([&output::count(block.records), &sample.join(", ")]);
    }
    grid.print(2)?;
    Ok(SUCCESS)
}

/// Reads a model that is not the bundle's.
fn model(path: &Path) -> anyhow::Result<Model> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Model::read(&bytes).map_err(|error| Usage::new(format!("`{}`: {error}", path.display())).into())
}

/// Prints the waterfall of a pair.
fn explain(global: &Global, first: &str, second: &str, other: Option<&Path>) -> anyhow::Result<u8> {
    let other = other.map(model).transpose()?;
    let archive = open(global)?;
    let reader = archive.read_as(&inspection(global))?;
    let view = reader.explain_match(reader.record(first)?, reader.record(second)?, other.as_ref())?;
    if global.json {
        output::json(&view)?;
    } else {
        match &view {
            Some(view) => print(view)?,
            None => line("Nothing can be compared: one of the records has no name, address or the like.")?,
        }
    }
    Ok(if view.is_some() { SUCCESS } else { NOT_FOUND })
}

fn print(view: &MatchView) -> anyhow::Result<()> {
    let (first, second) = (record_name(&view.first), record_name(&view.second));
    line(format!("How alike are {} and {}?", output::shown(&first), output::shown(&second)))?;
    let (other, rest) = match view.against {
        "one household" => ("two people of one household", "what a household has in common counts nothing"),
        "same name" => ("two people of one name", "their names count nothing"),
        "another branch" => ("two sites of one organisation", "only what tells sites apart counts"),
        "same house" => ("two organisations in one house", "only what tells these apart counts"),
        _ => ("two strangers who are alike by chance", "the rarer what they share, the more it counts"),
    };
    output::wrapped(&format!("The likeliest other explanation is {other}: {rest}."), 0)?;
    line("")?;
    let mut grid = Grid::new(&["what", "how alike", "counts!", "rarity!", "sum!"]);
    let mut sum = view.prior;
    grid.row(["before anything is compared", "", "", "", &bits(sum)]);
    for step in &view.steps {
        sum = sum.saturating_add(step.weight).saturating_add(step.adjustment);
        let adjustment = if step.adjustment == 0 { String::new() } else { signed(step.adjustment) };
        grid.row([&step.comparison, &step.level, &signed(step.weight), &adjustment, &bits(sum)]);
    }
    grid.print(2)?;
    line("")?;
    let percent = f64::from(view.probability_ppm) / 10_000.0;
    line(format!("Weight {}: one person with a probability of {percent:.2} %.", bits(view.weight)))?;
    let verdict = match view.weight {
        weight if weight >= view.automatic => "enough to join them",
        weight if weight >= view.review => "enough for review, too little to join them",
        _ => "too little even for review",
    };
    line(format!("That is {verdict} (joined from {}, review from {}).", bits(view.automatic), bits(view.review)))?;
    if !view.blocked {
        line("They share no block, so that they are not compared by themselves.")?;
    }
    line(if view.together { "They are in one profile." } else { "They are in different profiles." })
}

fn signed(millibits: i32) -> String {
    let sign = if millibits >= 0 { "+" } else { "" };
    format!("{sign}{}", bits(millibits))
}
