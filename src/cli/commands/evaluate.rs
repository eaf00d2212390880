//! `onefold match evaluate`: the profiles beside a file that says who is who.
//!
//! A record of the truth that is not here counts as a profile of its own: it costs recall. One that the truth does not
//! know is passed over. Where a record's key has two parts, these may be the truth's source and record.

use super::{GIVE_A_FILE, open};
use crate::cli::args::Global;
use crate::cli::failure::{SUCCESS, Usage};
use crate::cli::output::{self, Grid, line};
use crate::matching::Model;
use crate::matching::evaluate::{Evaluation, Point, Shares, chart, evaluate};
use crate::model::Birth;
use crate::pipeline::{Reader, save_new, written_key};
use anyhow::Context;
use std::collections::HashMap;
use std::path::Path;

/// Thresholds of the chart, in millibits.
const THRESHOLDS: std::ops::RangeInclusive<i32> = -4..=20;

/// The truth: the number of the person of each record.
type Truth = HashMap<(String, String), u32>;

/// A record that is here.
struct Member {
    /// Who it is, where the truth knows it.
    entity: Option<u32>,
    /// Its profile.
    root: Birth,
    /// Source and key by which the truth may know it.
    name: String,
    /// The same as people write it.
    written: String,
}

/// Prints the figures, and draws the chart.
pub fn run(global: &Global, truth: &Path, worst: usize, chart_path: Option<&Path>) -> anyhow::Result<u8> {
    let truth = read(truth)?;
    let archive = open(global)?;
    let reader = archive.reader()?;
    let mut members: Vec<Member> = Vec::new();
    reader.members(|source, key, root| {
        let written = format!("{source}:{}", written_key(key));
        // A key of two parts may itself be source and record, where one export holds several systems.
        let (own, parts) = ((source, key), key.split_once('\u{1f}'));
        let name = parts.filter(|(source, key)| truth.contains_key(&((*source).to_owned(), (*key).to_owned())));
        let (source, key) = name.unwrap_or(own);
        let entity = truth.get(&(source.to_owned(), key.to_owned())).copied();
        members.push(Member { entity, root, name: format!("{source}:{key}"), written });
    })?;
    let roots: Vec<Birth> = members.iter().map(|member| member.root).collect();
    let (evaluation, numbers) = measure(&truth, &members, &roots);
    if global.json {
        output::json(&told(&evaluation))?;
    } else {
        print(&evaluation)?;
        print_worst(&reader, &evaluation, &members, &numbers, worst)?;
    }
    if let Some(path) = chart_path {
        draw(&reader, &truth, &members, path)?;
    }
    Ok(SUCCESS)
}

/// Reads the file.
fn read(path: &Path) -> anyhow::Result<Truth> {
    let cannot = |error| Usage::new(format!("cannot read `{}`: {error}", path.display())).help(GIVE_A_FILE);
    let mut rows = csv::Reader::from_reader(std::fs::File::open(path).map_err(cannot)?);
    let header = rows.headers().with_context(|| format!("cannot read `{}`", path.display()))?.clone();
    let column = |name: &str| {
        let help = "its first line names the columns `source`, `record_id` and `entity_id`";
        let missing = || Usage::new(format!("`{}` has no column `{name}`", path.display())).help(help);
        header.iter().position(|column| column == name).ok_or_else(missing)
    };
    let (source, key, entity) = (column("source")?, column("record_id")?, column("entity_id")?);
    let (mut truth, mut entities) = (Truth::new(), HashMap::<String, u32>::new());
    for (row, line) in rows.records().zip(2u64..) {
        let row = row.with_context(|| format!("`{}`, line {line}", path.display()))?;
        let cell = |column: usize| row.get(column).unwrap_or_default().to_owned();
        let next = u32::try_from(entities.len()).context("too many persons")?;
        let number = *entities.entry(cell(entity)).or_insert(next);
        if truth.insert((cell(source), cell(key)), number).is_some_and(|before| before != number) {
            let what = format!("`{}`, line {line}: a record is said to be two persons", path.display());
            return Err(Usage::new(what).into());
        }
    }
    Ok(truth)
}

/// The figures, and the root behind each number of a profile.
fn measure(truth: &Truth, members: &[Member], roots: &[Birth]) -> (Evaluation, Vec<Birth>) {
    let (mut entities, mut profiles) = (Vec::new(), Vec::new());
    let (mut numbers, mut of) = (Vec::new(), HashMap::new());
    for (member, root) in members.iter().zip(roots) {
        let Some(entity) = member.entity else { continue };
        let number = *of.entry(*root).or_insert_with(|| {
            numbers.push(*root);
            u32::try_from(numbers.len() - 1).unwrap_or(u32::MAX)
        });
        entities.push(entity);
        profiles.push(number);
    }
    // Records that are not here: each is alone.
    let here: std::collections::HashSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut alone = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    let mut missing: Vec<u32> = truth
        .iter()
        .filter(|((source, key), _)| !here.contains(format!("{source}:{key}").as_str()))
        .map(|(_, entity)| *entity)
        .collect();
    missing.sort_unstable();
    for entity in missing {
        entities.push(entity);
        profiles.push(alone);
        alone = alone.saturating_add(1);
    }
    (evaluate(&entities, &profiles), numbers)
}

fn ratio(parts: u32) -> String {
    format!("{:.4}", f64::from(parts) / 1e6)
}

fn print(evaluation: &Evaluation) -> anyhow::Result<()> {
    let Evaluation { records, entities, profiles, pairwise, b_cubed, .. } = evaluation;
    let counts = [*records, *entities, *profiles].map(output::count);
    line(format!("{} records of {} persons in {} profiles", counts[0], counts[1], counts[2]))?;
    line("")?;
    let mut grid = Grid::new(&["", "precision!", "recall!", "F1!"]);
    for (name, shares) in [("pairwise", pairwise), ("B-cubed", b_cubed)] {
        grid.row([name, &ratio(shares.precision), &ratio(shares.recall), &ratio(shares.f1)]);
    }
    grid.print(2)?;
    line("")?;
    line(format!("  false pairs            {}", output::count(evaluation.false_pairs)))?;
    line(format!("  missed pairs           {}", output::count(evaluation.missed_pairs)))?;
    let share = 100.0 * evaluation.overmerged as f64 / (*profiles).max(1) as f64;
    line(format!("  over-merged profiles   {} ({share:.2} %)", output::count(evaluation.overmerged)))?;
    line(format!("  largest profile        {} records", output::count(evaluation.largest)))
}

fn print_worst(
    reader: &Reader<'_>,
    evaluation: &Evaluation,
    members: &[Member],
    numbers: &[Birth],
    worst: usize,
) -> anyhow::Result<()> {
    if worst == 0 || evaluation.worst.is_empty() {
        return Ok(());
    }
    line("")?;
    line("The worst profiles:")?;
    for bad in evaluation.worst.iter().take(worst) {
        let Some(root) = usize::try_from(bad.profile).ok().and_then(|place| numbers.get(place)) else { continue };
        let names: Vec<&str> = members
            .iter()
            .filter(|member| member.root == *root)
            .map(|member| member.written.as_str())
            .take(8)
            .collect();
        let more = if bad.records > 8 { ", …" } else { "" };
        let text = format!(
            "  {}: {} records of {} persons, {} false pairs: {}{more}",
            reader.id(*root)?,
            bad.records,
            bad.entities,
            bad.false_pairs,
            names.join(", ")
        );
        output::wrapped(&output::shown(&text), 4)?;
    }
    Ok(())
}

fn told(evaluation: &Evaluation) -> serde_json::Value {
    let shares = |shares: &Shares| {
        let part = |parts: u32| f64::from(parts) / 1e6;
        serde_json::json!({
            "precision": part(shares.precision), "recall": part(shares.recall), "f1": part(shares.f1),
        })
    };
    serde_json::json!({
        "records": evaluation.records,
        "entities": evaluation.entities,
        "profiles": evaluation.profiles,
        "pairwise": shares(&evaluation.pairwise),
        "b_cubed": shares(&evaluation.b_cubed),
        "false_pairs": evaluation.false_pairs,
        "missed_pairs": evaluation.missed_pairs,
        "overmerged_profiles": evaluation.overmerged,
        "largest_profile": evaluation.largest,
    })
}

/// Draws precision, recall and F1 over the thresholds.
fn draw(reader: &Reader<'_>, truth: &Truth, members: &[Member], path: &Path) -> anyhow::Result<()> {
    let thresholds: Vec<i32> = THRESHOLDS.map(|bits| bits * 1_000).collect();
    let partitions = reader.partitions(&thresholds)?;
    let point = |(threshold, roots): (&i32, &Vec<Birth>)| Point {
        threshold: *threshold,
        shares: measure(truth, members, roots).0.pairwise,
    };
    let points: Vec<Point> = thresholds.iter().zip(&partitions).map(point).collect();
    let model = reader.schema().match_model.as_deref().map(|text| Model::read(text.as_bytes())).transpose()?;
    save_new(path, chart(&points, model.map_or(0, |model| model.automatic())).as_bytes())?;
    Ok(())
}
