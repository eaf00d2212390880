//! That rows come back as they were, whatever they hold, and that nothing else passes for one.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn identifiers() -> impl Strategy<Value = Vec<(KindId, IdentifierHash)>> {
    prop::collection::vec((any::<u8>().prop_map(KindId), any::<u128>().prop_map(IdentifierHash)), 0..4)
}

/// Numbers of every length.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(number, shift)| number >> shift)
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(7), any::<i64>()]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Arrival), number().prop_map(Order::Log), time().prop_map(Order::Time)]
}

fn body() -> impl Strategy<Value = RecordBody> {
    let value = (any::<u16>().prop_map(AttributeId), (any::<u64>().prop_map(ValueHash), any::<bool>()));
    let values = prop::collection::vec(value, 0..12);
    let about = (0u8..0x80).prop_filter_map("not a record's", About::from_number);
    let person = (0u16..3, time(), time(), about, any::<u32>(), identifiers(), values).prop_map(
        |(source, at, since, about, given, identifiers, values)| {
            let (source, given) = (SourceId(source), NameMark(given));
            let values: BTreeMap<AttributeId, (ValueHash, bool)> = values.into_iter().collect();
            let rectified = values.iter().filter(|(_, (_, rectified))| *rectified).map(|(of, _)| *of).collect();
            let values = values.into_iter().map(|(of, (value, _))| (of, value)).collect();
            RecordBody::Person(Facts { source, at, since, about, given, identifiers, values, rectified })
        },
    );
    let purposes = prop::collection::vec(any::<u8>().prop_map(PurposeId), 0..4);
    let flags = (purposes, 0u8..11, any::<bool>(), any::<bool>());
    let consent = (identifiers(), flags, time(), time(), number(), time()).prop_map(
        |(identifiers, (purposes, state, explicit, parental), at, received, order, until)| {
            let state = ConsentState::from_number(state).unwrap();
            RecordBody::Consent(ConsentFacts {
                identifiers,
                purposes,
                state,
                explicit,
                parental,
                at,
                received,
                order,
                until,
            })
        },
    );
    prop_oneof![4 => person, 2 => consent, 1 => Just(RecordBody::Reference), 1 => Just(RecordBody::Gone)]
}

prop_compose! {
    pub fn record()(
        name in any::<u128>(), source in 0u16..3, live in any::<bool>(), order in order(), content in any::<u64>(),
        position in number(), sequence in number(), body in body(),
    ) -> RecordRow {
        let (name, source, sequence) = (NameHash(name), SourceId(source), Sequence(sequence));
        RecordRow { name, source, live, order, content, position, sequence, body }
    }
}

prop_compose! {
    fn link(members: Vec<Birth>)(
        a in birth(members.clone()), b in birth(members.clone()), kind in 0u8..2, identifier in 0u128..3,
        entry in number(),
    ) -> (Link, Sequence) {
        (Link { a, b, kind: KindId(kind), identifier: IdentifierHash(identifier << 100) }, Sequence(entry))
    }
}

/// A member, or a record that is none, as hostile or future input may have.
fn birth(members: Vec<Birth>) -> BoxedStrategy<Birth> {
    let other = number().prop_map(Birth);
    if members.is_empty() {
        return other.boxed();
    }
    prop_oneof![8 => prop::sample::select(members), 1 => other].boxed()
}

pub fn profile() -> impl Strategy<Value = ProfileRow> {
    prop::collection::btree_set(number().prop_map(Birth), 0..6).prop_flat_map(|members| {
        let members: Vec<Birth> = members.into_iter().collect();
        let winner = (any::<u16>(), birth(members.clone()), any::<u64>(), any::<u64>(), number()).prop_map(
            |(attribute, record, value, uses, entry)| {
                (Winner { attribute: AttributeId(attribute), record, value: ValueHash(value), uses }, Sequence(entry))
            },
        );
        let consent = prop::option::of(number().prop_map(Birth));
        let context = any::<u16>().prop_filter_map("not a context", Context::from_number);
        let permission = (any::<u8>(), any::<u32>(), context, time(), consent, number()).prop_map(
            |(purpose, categories, context, until, consent, entry)| {
                let purpose = PurposeId(purpose);
                (Permission { purpose, categories, context, until, consent }, Sequence(entry))
            },
        );
        let links = prop::collection::vec(link(members.clone()), 0..5);
        let winners = prop::collection::vec(winner, 0..8);
        let permissions = prop::collection::vec(permission, 0..4);
        (Just(members), links, winners, permissions).prop_map(|(members, links, winners, permissions)| ProfileRow {
            members,
            links,
            winners,
            permissions,
        })
    })
}

prop_compose! {
    pub fn rejected()(
        source in prop::option::of(any::<u16>().prop_map(SourceId)), reason in any::<u8>(), line in number(),
        position in number(), retried in any::<bool>(),
    ) -> RejectedRow {
        RejectedRow { source, reason, line, position, retried }
    }
}

/// `row` comes back as it was, and neither a part of its bytes nor more than them passes for a row.
fn check<T: PartialEq + std::fmt::Debug>(
    row: &T,
    encode: impl Fn(&T, &mut Vec<u8>),
    decode: impl Fn(&[u8]) -> Result<T, Malformed>,
) {
    let mut bytes = Vec::new();
    encode(row, &mut bytes);
    assert_eq!(decode(&bytes).as_ref(), Ok(row));
    for end in 0..bytes.len() {
        assert_eq!(decode(&bytes[..end]), Err(Malformed), "cut at {end}");
    }
    bytes.push(0);
    assert_eq!(decode(&bytes), Err(Malformed), "one byte too many");
}

proptest! {
    #[test]
    fn records_come_back(row in record()) {
        check(&row, RecordRow::encode, RecordRow::decode);
    }

    #[test]
    fn profiles_come_back(row in profile()) {
        check(&row, ProfileRow::encode, ProfileRow::decode);
    }

    #[test]
    fn rejections_come_back(row in rejected()) {
        check(&row, RejectedRow::encode, RejectedRow::decode);
    }

    #[test]
    fn hostile_bytes_are_rows_or_refused(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff), 0u8..4], 0..200),
    ) {
        // Whatever is decoded must be encodable, and small: no count is believed beyond the bytes that follow.
        if let Ok(row) = ProfileRow::decode(&bytes) {
            prop_assert!(row.members.len() + row.links.len() + row.winners.len() <= bytes.len());
        }
        if let Ok(row) = RecordRow::decode(&bytes) {
            let mut again = Vec::new();
            row.encode(&mut again);
            prop_assert_eq!(RecordRow::decode(&again), Ok(row));
        }
        if let Ok(row) = RejectedRow::decode(&bytes) {
            prop_assert!(!row.retried || bytes.len() >= 4);
        }
    }
}

/// The bytes of format 4, which later versions must read: change the format number when this has to change.
#[test]
fn bytes_stay_the_same() {
    let record = RecordRow {
        name: NameHash(1),
        source: SourceId(2),
        live: true,
        order: Order::Time(3),
        content: 4,
        position: 300,
        sequence: Sequence(5),
        body: RecordBody::Person(Facts {
            source: SourceId(2),
            at: 3,
            since: 3,
            about: About::new(Some(crate::model::AgeBand::Adult), crate::model::Regime::Eu, true),
            given: NameMark(0x0a),
            identifiers: vec![(KindId(6), IdentifierHash(7))],
            values: vec![(AttributeId(8), ValueHash(9))],
            rectified: vec![AttributeId(8)],
        }),
    };
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let expected = "7401000000000000000000000000000000020400000000000000ac0205\
                    03000000000000004c0a0000000106070000000000000000000000000000000111\
                    0900000000000000";
    assert_eq!(hex, expected);
}
