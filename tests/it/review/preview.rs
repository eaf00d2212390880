//! Goal: what is shown before a decision is what then happens, to the ids of the profiles.
//! Method: a small world is shown each thing that could happen, then it does, and both are compared.

use super::*;

/// A profile of three that one record holds together, and a neighbour that two could claim.
fn bridged(data: &Path) -> Onefold {
    let mut onefold = init(data);
    put(&mut onefold, "a", &json!({ "email": "x@example.com", "account": "A1", "given": "Ada" }), 1);
    put(&mut onefold, "m", &json!({ "email": "x@example.com", "phone": "+4915112345000", "given": "Ada" }), 2);
    put(&mut onefold, "z", &json!({ "email": "z@example.com", "phone": "+4915112345000", "given": "Ada" }), 3);
    put(&mut onefold, "y", &json!({ "email": "z@example.com", "account": "Y1", "given": "Ada" }), 4);
    // Carried by four: quarantined while all of them are there.
    for (key, lsn) in [("q1", 5), ("q2", 6), ("q3", 7), ("q4", 8)] {
        put(&mut onefold, key, &json!({ "phone": "+4915112345900", "email": format!("{key}@example.com") }), lsn);
    }
    onefold.commit().unwrap();
    onefold
}

/// Makes what could happen, of the records of a world.
type Imagined<'f> = &'f dyn Fn(&Onefold) -> Hypothesis;

#[test]
fn what_is_shown_is_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, Imagined<'_>); 9] = [
        ("same", &|o| Hypothesis::Decide(same(o, "a", "y"))),
        ("same of strangers", &|o| Hypothesis::Decide(same(o, "q1", "a"))),
        ("different", &|o| Hypothesis::Decide(different(o, "a", "m"))),
        ("different in the middle", &|o| Hypothesis::Decide(different(o, "m", "z"))),
        ("different of strangers", &|o| Hypothesis::Decide(different(o, "q1", "a"))),
        ("allow", &|o| Hypothesis::Decide(o.finder().unwrap().allowing("phone:+4915112345900").unwrap())),
        ("a bridge leaves", &|o| Hypothesis::Without(birth(o, "m"))),
        ("a leaf leaves", &|o| Hypothesis::Without(birth(o, "a"))),
        ("a quarantined value is freed", &|o| Hypothesis::Without(birth(o, "q2"))),
    ];
    for (name, hypothesis) in cases {
        let data = folder.path().join(name.replace(' ', "-"));
        let mut onefold = bridged(&data);
        let before = profiles(&onefold);
        let hypothesis = hypothesis(&onefold);
        let shown = read(&onefold).preview(hypothesis).unwrap();
        assert_eq!(profiles(&onefold), before, "{name}: a preview changes nothing");
        match hypothesis {
            Hypothesis::Decide(ruling) => drop(decide(&mut onefold, ruling)),
            Hypothesis::Withdraw(_) => unreachable!("none is withdrawn here"),
            Hypothesis::Without(birth) => {
                let key = onefold.finder().unwrap().name_of(birth).unwrap().key;
                remove(&mut onefold, &key, 100);
                onefold.commit().unwrap();
            }
        }
        let after = profiles(&onefold);
        let gone: BTreeSet<_> = before.difference(&after).cloned().collect();
        let came: BTreeSet<_> = after.difference(&before).cloned().collect();
        let (was, is) = groups(&shown);
        assert_eq!((was, is), (gone, came), "{name}");
        // The ids are those that the profiles then have.
        for group in &shown.after {
            let record = format!("crm:{}", group.records[0].key);
            let reader = read(&onefold);
            let root = reader.profiles_of(&record).unwrap()[0];
            assert_eq!(reader.id(root).unwrap(), group.profile, "{name}");
        }
        if let Hypothesis::Decide(ruling) = hypothesis {
            let shown = read(&onefold).preview(Hypothesis::Withdraw(ruling)).unwrap();
            let (was, is) = groups(&shown);
            let expected = (after.difference(&before).cloned().collect(), before.difference(&after).cloned().collect());
            assert_eq!((was, is), expected, "{name}: withdrawn");
            onefold.withdraw(ruling, &said()).unwrap();
            onefold.commit().unwrap();
            assert_eq!(profiles(&onefold), before, "{name}: withdrawn");
        }
        assert_eq!(breaches(&onefold), [], "{name}");
    }
}

#[test]
fn a_quarantined_account_still_tells_persons_apart_in_a_preview() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = bundle().files;
    for (name, text) in &mut files {
        if name == "identity.toml" {
            *text = text.replace("priority = 100\n", "priority = 100\nrecords_max = 2\n");
        }
    }
    let data = folder.path().join("data");
    let mut onefold = Onefold::init(&data, Bundle::compile(files).unwrap(), InitOptions::default()).unwrap();
    // Three records have the account `ALL`: it links nobody, and is an account all the same.
    put(&mut onefold, "a", &json!({ "email": "x@example.com", "account": "ALL" }), 1);
    put(&mut onefold, "b", &json!({ "email": "x@example.com", "account": "B1" }), 2);
    put(&mut onefold, "c", &json!({ "account": "ALL" }), 3);
    put(&mut onefold, "d", &json!({ "account": "ALL" }), 4);
    put(&mut onefold, "e", &json!({ "email": "x@example.com" }), 5);
    onefold.commit().unwrap();
    let before = profiles(&onefold);
    let hypothesis = Hypothesis::Decide(same(&onefold, "e", "c"));
    let (was, is) = groups(&read(&onefold).preview(hypothesis).unwrap());
    let ruling = same(&onefold, "e", "c");
    decide(&mut onefold, ruling);
    let after = profiles(&onefold);
    assert_eq!(was, before.difference(&after).cloned().collect());
    assert_eq!(is, after.difference(&before).cloned().collect());
}

#[test]
fn a_preview_of_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut onefold = init(&folder.path().join("data"));
    for place in 0..10_001u64 {
        put(&mut onefold, &format!("k{place}"), &json!({ "phone": "+4915112345000" }), place + 1);
    }
    onefold.commit().unwrap();
    let reader = read(&onefold);
    let ruling = reader.allowing("phone:+4915112345000").unwrap();
    assert!(matches!(reader.preview(Hypothesis::Decide(ruling)), Err(Error::TooManyTouched { max: 10_000 })));
    // What nobody joins is no neighbour.
    let pair = reader.pair(birth(&onefold, "k1"), birth(&onefold, "k2")).unwrap();
    assert_eq!(pair.same.map(|preview| preview.after.len()), Some(1));
}

#[test]
fn decisions_keep_exports_equal_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = bridged(&data);
    let rulings = [different(&onefold, "m", "z"), same(&onefold, "a", "q1"), same(&onefold, "q3", "q4")];
    for ruling in rulings {
        decide(&mut onefold, ruling);
    }
    let all = [Table::Members, Table::Profiles, Table::Consents].map(|table| export(&onefold, table));
    for lost in [false, true] {
        drop(onefold);
        if lost {
            lose_index(&data);
        }
        onefold = open(&data);
        assert_eq!([Table::Members, Table::Profiles, Table::Consents].map(|table| export(&onefold, table)), all);
    }
}
