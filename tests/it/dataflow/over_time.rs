//! Goal: what time alone changes is decided when its time has come, whether or not anything else touches it.
//! Method: histories of consents, of whom they bind and of ticks, with little else, against the twin; and the cases by hand
//! in which a change by time once went unnoticed.

use super::shapes::carrying;
use super::{DAY_US, Op, Run, SMALL, Size, check, consent, facts, identifier, world};
use onefold::model::{ConsentFacts, ConsentState, Facts, Permission, PurposeId};
use proptest::prelude::*;

fn op(size: Size) -> impl Strategy<Value = Op> {
    let on = (0..4u8, 0..size.identifiers).prop_map(|(kind, number)| identifier(kind, number));
    prop_oneof![
        6 => (0..size.records / 2, consent(size)).prop_map(|(number, facts)| Op::Consent(number, facts)),
        3 => (0..size.records, facts(size)).prop_map(|(number, facts)| Op::Put(number, facts)),
        2 => (0..size.records, on, 0..size.records / 2).prop_map(|(r, on, consent)| Op::Bind(r, on, consent, true)),
        1 => (0..size.records).prop_map(Op::Delete),
        4 => (0..12i64).prop_map(Op::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_worlds_equal_the_twin_as_time_goes_on(
        history in proptest::collection::vec(proptest::collection::vec(op(SMALL), 0..=2), 1..=SMALL.epochs),
    ) {
        check(&history);
    }
}

/// A record with the first address, or with none.
fn record(carries: bool) -> Facts {
    carrying(&[identifier(0, 0)][..usize::from(carries)])
}

/// A consent on the first address: given or ended on one day, received on the first, in the place of its order.
fn said(state: ConsentState, order: u64, day: i64, until_day: Option<i64>) -> ConsentFacts {
    ConsentFacts {
        identifiers: vec![identifier(0, 0)],
        purposes: vec![PurposeId(0)],
        state,
        explicit: false,
        parental: false,
        at: day * DAY_US,
        received: 0,
        order,
        until: until_day.map_or(i64::MAX, |day| day * DAY_US),
    }
}

/// The state of the only profile's permission for the first purpose.
fn row(run: &Run) -> Option<Permission> {
    assert_eq!(run.state, run.world.state());
    run.state.permissions.iter().map(|(_, row)| *row).find(|row| row.purpose == PurposeId(0))
}

/// An epoch in which time goes on by these days and nothing else happens.
fn wait(run: &mut Run, days: i64) -> Option<Permission> {
    run.epoch(&[Op::Tick(days)]);
    row(run)
}

#[test]
fn who_is_bound_is_free_when_the_consent_that_lifts_it_begins() {
    let mut run = Run::new(world());
    run.epoch(&[
        Op::Tick(20),
        Op::Put(0, record(false)),
        Op::Bind(0, identifier(0, 0), 0, true),
        Op::Consent(0, said(ConsentState::Withdrawn, 1, -1, None)),
    ]);
    // Given for a day to come; the record that it binds does not carry the address.
    run.epoch(&[Op::Consent(1, said(ConsentState::Given, 2, 5, None))]);
    let is_withdrawn = |row: Option<Permission>| row.is_some_and(|row| row.context.circumstances().withdrawn);
    assert!(is_withdrawn(row(&run)));
    assert!(is_withdrawn(wait(&mut run, 4)));
    assert!(!is_withdrawn(wait(&mut run, 1)), "on the fifth day");
}

#[test]
fn what_was_over_before_says_nothing_more_when_its_own_time_is_up() {
    let mut run = Run::new(world());
    run.epoch(&[
        Op::Tick(20),
        Op::Put(0, record(true)),
        Op::Consent(0, said(ConsentState::Withdrawn, 1, 0, None)),
        // Received later, and given earlier as its sender says: it lifts nothing.
        Op::Consent(1, said(ConsentState::Given, 2, -1, Some(5))),
    ]);
    let before = row(&run).unwrap();
    assert!(before.context.circumstances().withdrawn);
    assert_eq!(wait(&mut run, 10), Some(before));
    // Nor when something else touches the profile.
    run.epoch(&[Op::Put(1, record(true))]);
    assert_eq!(row(&run), Some(before));
}
