//! Goal: the twin itself is right, since figures and tests rest on it.
//! Method: cases by hand for each rule, and random records against definitions that are written down as they read.

use super::*;
use crate::model::{Attribute, Category, Format, IdentifierKind, Role, Semantic, SurvivorshipRule};
use proptest::prelude::*;

const EMAIL: KindId = KindId(0);
const PHONE: KindId = KindId(1);
const NAME: AttributeId = AttributeId(0);
const DAY: i64 = 86_400_000_000;

fn schema(criteria: &[Criterion]) -> Schema {
    let source = |name: &str, trust, trust_half_life_days| Source {
        name: name.into(),
        files: Vec::new(),
        format: Format::Ndjson,
        role: Role::People,
        key: vec!["id".into()],
        accumulate: false,
        time: None,
        order: None,
        trust,
        trust_half_life_days,
        region: None,
        single: false,
        fields: Vec::new(),
        embedded_consents: None,
    };
    let attribute =
        |name: &str| Attribute { name: name.into(), semantic: Semantic::Text, category: Category::Identity };
    let kind = |name: &str, records_max, blocked: &[&str]| IdentifierKind {
        name: name.into(),
        attribute: NAME,
        priority: 50,
        records_max,
        names_max: 0,
        unique: false,
        weak: Vec::new(),
        blocked: blocked.iter().map(|value| (*value).into()).collect(),
    };
    Schema {
        sources: vec![source("low", 20, None), source("high", 90, None), source("aging", 80, Some(10))],
        attributes: vec![attribute("name"), attribute("city")],
        kinds: vec![kind("email", 3, &["junk"]), kind("phone", 2, &[])],
        survivorship: vec![SurvivorshipRule { criteria: criteria.to_vec() }; 2],
        purposes: Vec::new(),
        profile_records_max: 500,
        ..Schema::default()
    }
}

fn record(source: u16, at: i64, name: u128, identifiers: &[(KindId, &str)], values: &[(u16, &str)]) -> TwinRecord {
    TwinRecord {
        source: SourceId(source),
        at,
        name,
        identifiers: identifiers.iter().map(|(kind, value)| (*kind, (*value).into())).collect(),
        values: values.iter().map(|(attribute, value)| (AttributeId(*attribute), (*value).into())).collect(),
    }
}

fn check_profiles(identifiers: &[&[(KindId, &str)]], expected: &[u32]) {
    let records: Vec<_> = identifiers.iter().map(|identifiers| record(0, 0, 0, identifiers, &[])).collect();
    assert_eq!(resolve(&records, &schema(&[])).profiles, expected);
}

#[test]
fn shared_identifiers_join_within_limits() {
    check_profiles(&[], &[]);
    check_profiles(&[&[(EMAIL, "a")], &[(PHONE, "a")], &[(EMAIL, "a")]], &[0, 1, 0]);
    check_profiles(&[&[(EMAIL, "a")], &[(PHONE, "p")], &[(EMAIL, "a"), (PHONE, "p")]], &[0, 0, 0]);
    check_profiles(&[&[(EMAIL, "a")], &[(EMAIL, "a")], &[(EMAIL, "a")]], &[0, 0, 0]);
    // One more than the kind allows.
    check_profiles(&[&[(EMAIL, "a")], &[(EMAIL, "a")], &[(EMAIL, "a")], &[(EMAIL, "a")]], &[0, 1, 2, 3]);
    check_profiles(&[&[(PHONE, "p")], &[(PHONE, "p")], &[(PHONE, "p")]], &[0, 1, 2]);
    // Twice in one record counts once.
    check_profiles(&[&[(PHONE, "p"), (PHONE, "p")], &[(PHONE, "p")]], &[0, 0]);
    check_profiles(&[&[(EMAIL, "junk")], &[(EMAIL, "junk")]], &[0, 1]);
}

/// Which of two records of one profile gives the name, whichever comes first.
fn check_winner(criteria: &[Criterion], winner: &TwinRecord, loser: &TwinRecord) {
    let schema = schema(criteria);
    for (records, expected) in [([winner, loser], 0), ([loser, winner], 1)] {
        let result = resolve(&records.map(Clone::clone), &schema);
        let name: Vec<_> = result.winners.iter().filter(|(_, attribute, _)| *attribute == NAME).collect();
        assert_eq!(name, [&(0, NAME, expected)], "{criteria:?}: {winner:?} beats {loser:?}");
    }
}

#[test]
fn criteria_decide_in_their_order() {
    use Criterion::{Completeness, Recency, Trust};
    let of = |source, at, name, values: &[(u16, &str)]| record(source, at, name, &[(EMAIL, "a")], values);
    let ada = |source, at, name| of(source, at, name, &[(0, "Ada")]);
    check_winner(&[Recency], &ada(0, 2, 9), &ada(1, 1, 1));
    check_winner(&[Recency], &ada(0, -5, 9), &ada(1, i64::MIN, 1));
    check_winner(&[Trust, Recency], &ada(1, 1, 9), &ada(0, 2, 1));
    check_winner(&[Recency, Trust], &ada(1, 1, 9), &ada(0, 1, 1));
    check_winner(&[Completeness, Recency], &of(0, 1, 9, &[(0, "A"), (1, "B")]), &ada(0, 2, 1));
    check_winner(&[Recency, Trust], &ada(0, 1, 1), &ada(0, 1, 9));
    check_winner(&[], &ada(0, 1, 1), &ada(1, 9, 9));
    // The same source, whose trust halves in ten days.
    check_winner(&[Trust], &ada(2, 100 * DAY, 9), &ada(2, 99 * DAY, 1));
}

#[test]
fn the_value_of_more_records_wins_by_frequency() {
    let of = |at, name, value| record(0, at, name, &[(EMAIL, "a")], &[(0, value)]);
    let records = [of(9, 1, "Ada"), of(1, 2, "Adah"), of(2, 3, "Adah")];
    let schema = schema(&[Criterion::Frequency, Criterion::Recency]);
    assert_eq!(resolve(&records, &schema).winners, [(0, NAME, 2)]);
}

#[test]
fn the_logarithm_is_exact_to_a_unit() {
    for number in 1..=101u32 {
        let exact = f64::from(number).log2() * f64::from(1 << 20);
        assert!((exact - log2(u64::from(number)) as f64).abs() < 1.5, "log2({number})");
    }
    let schema = schema(&[]);
    let aging = &schema.sources[2];
    let halved = trust(aging, 10 * DAY, 20 * DAY);
    assert_eq!(trust(aging, 20 * DAY, 20 * DAY) - halved, 1 << 20);
    assert_eq!(trust(aging, 20 * DAY, 20 * DAY), log2(80));
    assert_eq!(trust(aging, i64::MIN, 0), i64::MIN);
}

/// Whether two records carry an identifier that links.
fn linked(records: &[TwinRecord], schema: &Schema, a: &TwinRecord, b: &TwinRecord) -> bool {
    a.identifiers.iter().filter(|identifier| b.identifiers.contains(identifier)).any(|identifier| {
        let kind = &schema.kinds[usize::from(identifier.0.0)];
        let count = records.iter().filter(|record| record.identifiers.contains(identifier)).count();
        count <= kind.records_max as usize && !kind.blocked.contains(&identifier.1)
    })
}

/// The definitions, one after another, without regard for cost.
fn by_definition(records: &[TwinRecord], schema: &Schema) -> TwinResult {
    let mut profiles: Vec<u32> = (0u32..).take(records.len()).collect();
    let mut changed = true;
    while std::mem::take(&mut changed) {
        for a in 0..records.len() {
            for b in 0..records.len() {
                if profiles[a] > profiles[b] && linked(records, schema, &records[a], &records[b]) {
                    profiles[a] = profiles[b];
                    changed = true;
                }
            }
        }
    }
    let mut winners = Vec::new();
    for profile in 0..records.len() as u32 {
        for attribute in [AttributeId(0), AttributeId(1)] {
            let value = |i: usize| records[i].values.iter().find(|(a, _)| *a == attribute).map(|(_, value)| value);
            let members: Vec<usize> = (0..records.len()).filter(|i| profiles[*i] == profile).collect();
            let latest = members.iter().map(|m| records[*m].at).max().unwrap_or(i64::MIN);
            let key = |i: &usize| {
                let record = &records[*i];
                let criterion = |criterion: &Criterion| match criterion {
                    Criterion::Recency => record.at,
                    Criterion::Trust => trust(&schema.sources[usize::from(record.source.0)], record.at, latest),
                    Criterion::Completeness => record.values.len() as i64,
                    Criterion::Frequency => members.iter().filter(|m| value(**m) == value(*i)).count() as i64,
                };
                let rule = &schema.survivorship[usize::from(attribute.0)];
                (rule.criteria.iter().map(criterion).collect::<Vec<_>>(), std::cmp::Reverse(record.name))
            };
            let winner = members.iter().copied().filter(|i| value(*i).is_some()).max_by_key(key);
            winners.extend(winner.map(|index| (profile, attribute, index as u32)));
        }
    }
    TwinResult { profiles, winners }
}

fn any_record() -> impl Strategy<Value = TwinRecord> {
    let identifiers =
        prop::collection::vec((0u8..2, prop::sample::select(vec!["a", "b", "c", "d", "e", "junk"])), 0..3);
    let at = prop_oneof![Just(i64::MIN), (0i64..4).prop_map(|days| days * 10 * DAY)];
    let values = (prop::option::of("[xy]"), prop::option::of("[xy]"));
    (0u16..3, at, identifiers, values).prop_map(|(source, at, identifiers, (name, city))| TwinRecord {
        source: SourceId(source),
        at,
        name: 0,
        identifiers: identifiers.into_iter().map(|(kind, value)| (KindId(kind), value.to_owned())).collect(),
        values: name.map(|v| (NAME, v)).into_iter().chain(city.map(|v| (AttributeId(1), v))).collect(),
    })
}

proptest! {
    #[test]
    fn random_records_resolve_as_defined(
        mut records in prop::collection::vec(any_record(), 0..14),
        criteria in prop::sample::subsequence(
            vec![Criterion::Recency, Criterion::Trust, Criterion::Completeness, Criterion::Frequency], 0..=4
        ).prop_shuffle(),
        seed in any::<u64>(),
    ) {
        for (index, record) in (0u128..).zip(&mut records) {
            // Distinct, and in no relation to the order of birth.
            record.name = (u128::from(seed) + index * 0x9e37_79b9_7f4a_7c15) % 1_000_003 * 1_000 + index;
        }
        let schema = schema(&criteria);
        prop_assert_eq!(resolve(&records, &schema), by_definition(&records, &schema));
    }
}
