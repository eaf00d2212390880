//! Goal: scored matches are what scoring every pair of every block anew gives, whatever came and went.
//! Method: persons with spellings that agree more and less, a model that was trained on them, random histories against
//! the twin; and one block that crosses its limit both ways.

use super::{Op, Run, named, strict, strict_op, world};
use onefold::matching::{Comparable, Comparisons, Scorer, train};
use onefold::model::{
    About, Attribute, AttributeId, Category, Facts, Fields, NameMark, Schema, Semantic, SourceId, SurvivorshipRule,
};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

const SIZE: super::Size = super::Size { records: 14, identifiers: 6, epochs: 14, ops: 6 };

fn schema() -> Schema {
    let attribute = |name: &str, semantic| Attribute { name: name.to_owned(), semantic, category: Category::Identity };
    Schema {
        attributes: vec![
            attribute("given_name", Semantic::GivenName),
            attribute("family_name", Semantic::FamilyName),
            attribute("date_of_birth", Semantic::Date),
            attribute("email", Semantic::Email),
        ],
        survivorship: vec![SurvivorshipRule::default(); 4],
        ..Schema::default()
    }
}

fn comparable(comparisons: &Comparisons, values: [&str; 4]) -> Comparable {
    let values = (0..).map(AttributeId).zip(values).filter(|(_, text)| !text.is_empty());
    comparisons.comparable(SourceId(0), &Fields::default(), values).unwrap()
}

/// Few persons in several spellings, after many strangers that the model is trained on.
fn people() -> (Vec<Comparable>, Arc<Scorer>) {
    let schema = schema();
    let comparisons = Comparisons::new(&schema);
    let given = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Leslie", "Radia"];
    let family = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Lamport", "Perlman", "Allen"];
    let mut trained = Vec::new();
    for n in 0..240usize {
        let (first, last) = (given[n % 8], family[n / 3 % 9]);
        let born = format!("19{:02}-{:02}-{:02}", n * 7 % 80 + 10, n % 12 + 1, n % 28 + 1);
        let email = format!("{}{n}@example.org", last.to_lowercase());
        trained.push(comparable(&comparisons, [first, last, &born, &email]));
        if n % 3 == 0 {
            trained.push(comparable(&comparisons, [&first[..2], last, &born, ""]));
        }
    }
    let model = train(&schema, &trained).unwrap().with_thresholds(6_000, -30_000);
    let spellings = [
        ["Ada", "Lovelace", "1915-12-10", "ada@example.org"],
        ["Ada", "Lovelace", "1915-10-12", ""],
        ["A", "Lovelace", "1915-12-10", ""],
        ["Ada", "Lovelase", "1915-12-11", ""],
        ["Grace", "Hopper", "1906-12-09", "grace@example.org"],
        ["Grace", "Hopper", "1906-12-09", "hopper@example.net"],
        ["Grace", "Hoper", "1906-09-12", ""],
        ["", "Hopper", "1906-12-09", "grace@example.org"],
        ["Alan", "Turing", "1912-06-23", "turing@example.org"],
        ["Alan", "Turing", "1952-06-23", "turing@example.org"],
    ];
    let all = spellings.into_iter().map(|values| comparable(&comparisons, values)).collect();
    (all, Arc::new(Scorer::new(&schema, &model, [7; 16])))
}

fn scored_world(mut world: super::World) -> super::World {
    static PEOPLE: LazyLock<(Vec<Comparable>, Arc<Scorer>)> = LazyLock::new(people);
    world.comparables.clone_from(&PEOPLE.0);
    world.rules.scorer = Some(Arc::clone(&PEOPLE.1));
    world
}

fn history() -> impl Strategy<Value = Vec<Vec<Op>>> {
    let compare = (0..SIZE.records, super::facts(SIZE), proptest::option::weighted(0.9, 0..10usize));
    // A record comes with what is compared of it.
    let both = compare.prop_map(|(number, facts, what)| vec![Op::Put(number, facts), Op::Compare(number, what)]);
    let op = prop_oneof![2 => strict_op(SIZE).prop_map(|op| vec![op]), 3 => both];
    let epoch = proptest::collection::vec(op, 0..=SIZE.ops).prop_map(|ops| ops.concat());
    proptest::collection::vec(epoch, 1..=SIZE.epochs)
}

fn check(world: super::World, history: &[Vec<Op>]) {
    super::check_in(scored_world(world), history);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scored_worlds_equal_the_twin(history in history()) {
        check(world(), &history);
    }

    #[test]
    fn strict_scored_worlds_equal_the_twin(history in history()) {
        check(strict(), &history);
    }
}

/// What the histories above are for does occur.
#[test]
fn histories_score_and_refuse() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut links, mut uncertain, mut refused) = (0, 0, 0);
    for _ in 0..60 {
        let mut run = Run::new(scored_world(strict()));
        for ops in &history().new_tree(&mut runner).unwrap().current() {
            let delta = run.epoch(ops);
            links += delta.links.iter().filter(|(link, _)| link.weight().is_some()).count();
            uncertain += delta.uncertain.len();
            refused += delta.refused.len();
        }
    }
    assert!(links >= 50 && uncertain >= 50 && refused >= 50, "{links} links, {uncertain} uncertain, {refused} refused");
}

#[test]
fn a_block_crosses_its_limit_both_ways() {
    let mut run = Run::new(scored_world(world()));
    let limit = u64::from(run.world.rules.scorer.as_ref().unwrap().block_records_max());
    let facts = Facts {
        source: SourceId(1),
        at: 0,
        since: 0,
        about: About::default(),
        given: NameMark::NONE,
        identifiers: Vec::new(),
        values: Vec::new(),
        rectified: Vec::new(),
    };
    let put = |number: u64| [Op::Put(number, facts.clone()), Op::Compare(number, Some(0))];
    run.epoch(&(0..limit).flat_map(put).collect::<Vec<_>>());
    assert_eq!(run.state.links.len() as u64, limit - 1, "all are one profile");
    run.epoch(&put(limit));
    assert_eq!(run.state.links.len(), 0, "a block that is too large makes no pairs");
    run.epoch(&[Op::Delete(3), Op::Compare(7, Some(4))]);
    assert_eq!(run.state.links.len() as u64, limit - 2, "and makes them again");
    assert_eq!(run.state.links, run.world.state().links);
    let born = named(limit);
    run.epoch(&[Op::Delete(born.birth.0)]);
    let (_, delta) = run.restart();
    assert_eq!(delta, run.state.as_delta());
}
