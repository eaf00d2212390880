//! How good a resolution is, measured against the truth: pairwise and B-cubed precision, recall and F1, over-merged
//! profiles and the worst of them; and the same at several thresholds.
//!
//! Shares are in parts per million, so that figures are equal on every machine. Nothing claimed and nothing to find count
//! as perfect.

use std::collections::BTreeMap;

const MILLION: u128 = 1_000_000;

/// Precision, recall and their harmonic mean, in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    /// Of what was claimed, how much is true.
    pub precision: u32,
    /// Of what is true, how much was claimed.
    pub recall: u32,
    /// Harmonic mean of both.
    pub f1: u32,
}

/// The figures of one resolution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Records.
    pub records: u64,
    /// Persons by the truth.
    pub entities: u64,
    /// Profiles that were made.
    pub profiles: u64,
    /// Over pairs of records that are one person, and that are in one profile.
    pub pairwise: Shares,
    /// Mean over records.
    pub b_cubed: Shares,
    /// Pairs of two persons in one profile.
    pub false_pairs: u64,
    /// Pairs of one person in two profiles.
    pub missed_pairs: u64,
    /// Profiles that hold records of two or more persons.
    pub overmerged: u64,
    /// Records of the largest profile.
    pub largest: u64,
    /// The profiles with most false pairs, worst first, at most ten.
    pub worst: Vec<Worst>,
}

/// A profile that mixes persons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worst {
    /// The profile, as it was given.
    pub profile: u32,
    /// Its records.
    pub records: u64,
    /// Persons in it.
    pub entities: u64,
    /// Pairs of two persons.
    pub false_pairs: u64,
}

fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

fn ppm(part: u128, whole: u128) -> u32 {
    (part * MILLION).checked_div(whole).and_then(|share| u32::try_from(share).ok()).unwrap_or(1_000_000)
}

fn shares(precision: u32, recall: u32) -> Shares {
    let sum = u128::from(precision) + u128::from(recall);
    let product = 2 * u128::from(precision) * u128::from(recall);
    let f1 = product.checked_div(sum).and_then(|share| u32::try_from(share).ok()).unwrap_or(0);
    Shares { precision, recall, f1 }
}

/// Measures profiles against the truth, both by record; what is longer is cut off.
pub fn evaluate(truth: &[u32], profiles: &[u32]) -> Evaluation {
    let mut cells: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let (mut entity_sizes, mut profile_sizes) = (BTreeMap::new(), BTreeMap::new());
    for (entity, profile) in truth.iter().zip(profiles) {
        *cells.entry((*profile, *entity)).or_default() += 1;
        *entity_sizes.entry(*entity).or_insert(0u64) += 1;
        *profile_sizes.entry(*profile).or_insert(0u64) += 1;
    }
    let records: u64 = profile_sizes.values().sum();
    let right: u64 = cells.values().map(|count| pairs(*count)).sum();
    let claimed: u64 = profile_sizes.values().map(|count| pairs(*count)).sum();
    let true_: u64 = entity_sizes.values().map(|count| pairs(*count)).sum();
    let of = |sizes: &BTreeMap<u32, u64>, label: &u32| u128::from(*sizes.get(label).unwrap_or(&1));
    let (mut precision, mut recall) = (0u128, 0u128);
    let mut mixed: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for ((profile, entity), count) in &cells {
        let square = u128::from(*count) * u128::from(*count) * MILLION * 1_000;
        precision += square / of(&profile_sizes, profile);
        recall += square / of(&entity_sizes, entity);
        let entry = mixed.entry(*profile).or_default();
        *entry = (entry.0 + 1, entry.1 + pairs(*count));
    }
    let mean = |sum: u128| ppm(sum / 1_000, u128::from(records) * MILLION);
    let mut worst: Vec<Worst> = mixed
        .iter()
        .filter(|(_, (entities, _))| *entities > 1)
        .map(|(profile, (entities, right))| {
            let records = *profile_sizes.get(profile).unwrap_or(&0);
            Worst { profile: *profile, records, entities: *entities, false_pairs: pairs(records) - right }
        })
        .collect();
    let overmerged = worst.len() as u64;
    worst.sort_by_key(|worst| (u64::MAX - worst.false_pairs, worst.profile));
    worst.truncate(10);
    Evaluation {
        records,
        entities: entity_sizes.len() as u64,
        profiles: profile_sizes.len() as u64,
        pairwise: shares(ppm(right.into(), claimed.into()), ppm(right.into(), true_.into())),
        b_cubed: shares(mean(precision), mean(recall)),
        false_pairs: claimed - right,
        missed_pairs: true_ - right,
        overmerged,
        largest: profile_sizes.values().copied().max().unwrap_or(0),
        worst,
    }
}

/// The figures at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Match weight in millibits from which links merge.
    pub threshold: i32,
    /// The pairwise figures.
    pub shares: Shares,
}

/// Draws precision, recall and F1 over the threshold as an SVG image. The points are in ascending order of threshold.
pub fn chart(points: &[Point], automatic: i32) -> String {
    use std::fmt::Write;
    let (low, high) = match (points.first(), points.last()) {
        (Some(first), Some(last)) => (first.threshold, last.threshold.max(first.threshold + 1)),
        _ => (0, 1),
    };
    let x = |threshold: i32| 60 + i64::from(threshold - low) * 600 / i64::from(high - low);
    let y = |share: u32| 320 - i64::from(share) * 280 / 1_000_000;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 380\" font-family=\"sans-serif\" font-size=\"12\" \
         role=\"img\" aria-label=\"precision, recall and F1 by threshold\">\n\
         <rect width=\"720\" height=\"380\" fill=\"#fff\"/>\n",
    );
    for tenth in (0..=10u32).step_by(2) {
        let at = y(tenth * 100_000);
        let _ = writeln!(svg, "<path d=\"M60 {at}H660\" stroke=\"#ddd\"/><text x=\"30\" y=\"{at}\">{tenth}0 %</text>");
    }
    type Of = fn(&Shares) -> u32;
    let lines: [(&str, &str, Of); 3] =
        [("precision", "#0b62a4", |s| s.precision), ("recall", "#b4540a", |s| s.recall), ("F1", "#2d7d2d", |s| s.f1)];
    for (place, (name, colour, of)) in (0i64..).zip(lines) {
        let path: Vec<String> = points.iter().map(|p| format!("{},{}", x(p.threshold), y(of(&p.shares)))).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{}\" y=\"20\" fill=\"{colour}\">{name}</text>",
            path.join(" "),
            80 + place * 90
        );
    }
    for point in points {
        let bits = f64::from(point.threshold) / 1_000.0;
        let _ = writeln!(svg, "<text x=\"{}\" y=\"340\" text-anchor=\"middle\">{bits}</text>", x(point.threshold));
    }
    if (low..=high).contains(&automatic) {
        let at = x(automatic);
        let _ = writeln!(svg, "<path d=\"M{at} 30V320\" stroke=\"#888\" stroke-dasharray=\"4\"/>");
    }
    svg.push_str(
        "<text x=\"360\" y=\"365\" text-anchor=\"middle\">match weight in bits from which links merge</text>\n</svg>\n",
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_small_case() {
        let found = evaluate(&[1, 1, 1, 2, 2], &[7, 7, 8, 8, 9]);
        assert_eq!(found.pairwise, Shares { precision: 500_000, recall: 250_000, f1: 333_333 });
        assert_eq!((found.false_pairs, found.missed_pairs, found.overmerged, found.largest), (1, 3, 1, 2));
        assert_eq!(found.worst, [Worst { profile: 8, records: 2, entities: 2, false_pairs: 1 }]);
        // Records: 1, 1, 1/2, 1/2, 1 and 2/3, 2/3, 1/3, 1/2, 1/2.
        assert_eq!((found.b_cubed.precision, found.b_cubed.recall), (800_000, 533_333));
        let empty = evaluate(&[], &[]);
        assert_eq!(empty.pairwise.f1, 1_000_000);
    }

    #[test]
    fn a_chart_is_drawn() {
        let shares = Shares { precision: 990_000, recall: 900_000, f1: 943_000 };
        let points = [0, 5_000, 10_000].map(|threshold| Point { threshold, shares });
        let svg = chart(&points, 5_000);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.matches("<polyline").count() == 3);
        assert!(chart(&[], 0).ends_with("</svg>\n"));
    }
}
