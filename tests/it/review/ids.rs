//! Goal: a profile keeps its id as long as its oldest record is in it; an id that ended leads to the profile that goes on,
//! for ever, over restarts and rebuilds.
//! Method: profiles are merged, split and merged again, and their records deleted and erased; after each step all ids
//! that were ever given out are looked up, three times: at once, after opening again, and with the index built anew.

use super::*;
use onefold::model::ProfileId;

fn id(onefold: &Onefold, key: &str) -> ProfileId {
    let reader = read(onefold);
    let root = reader.profiles_of(&format!("crm:{key}")).unwrap()[0];
    reader.id(root).unwrap()
}

/// Where an id leads: the id of the profile that goes on.
fn leads(onefold: &Onefold, id: ProfileId) -> Option<ProfileId> {
    let reader = read(onefold);
    match reader.profiles_of(&id.to_string()) {
        Ok(roots) => Some(reader.id(roots[0]).unwrap()),
        Err(Error::NotFound { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn check(data: &Path, onefold: Onefold, expected: &[(ProfileId, Option<ProfileId>)]) -> Onefold {
    let look = |onefold: &Onefold, when: &str| {
        for (id, leads_to) in expected {
            assert_eq!(leads(onefold, *id), *leads_to, "{id} {when}");
        }
        assert_eq!(breaches(onefold), [], "{when}");
    };
    look(&onefold, "at once");
    drop(onefold);
    let onefold = open(data);
    look(&onefold, "opened again");
    drop(onefold);
    lose_index(data);
    let onefold = open(data);
    look(&onefold, "built anew");
    onefold
}

#[test]
fn ids_are_kept_and_lead_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut onefold = init(&data);
    let row = |email: &str, phone: &str| json!({ "email": email, "phone": phone, "given": "Ada" });
    put(&mut onefold, "a", &row("a@example.com", ""), 1);
    put(&mut onefold, "b", &row("b@example.com", ""), 2);
    put(&mut onefold, "c", &row("b@example.com", ""), 3);
    let done = onefold.commit().unwrap().unwrap();
    assert_eq!((done.new, done.retired), (2, 0));
    let (of_a, of_b) = (id(&onefold, "a"), id(&onefold, "b"));
    assert_eq!(id(&onefold, "c"), of_b);

    // A merge keeps the id of the oldest record.
    put(&mut onefold, "m", &row("a@example.com", "+4915112345000"), 4);
    put(&mut onefold, "n", &row("b@example.com", "+4915112345000"), 5);
    let done = onefold.commit().unwrap().unwrap();
    assert_eq!((done.new, done.retired), (0, 1));
    assert_eq!(id(&onefold, "c"), of_a);
    let mut onefold = check(&data, onefold, &[(of_a, Some(of_a)), (of_b, Some(of_a))]);

    // A split gives the part without it the id of its own oldest.
    put(&mut onefold, "n", &row("b@example.com", ""), 6);
    let done = onefold.commit().unwrap().unwrap();
    assert_eq!((done.new, done.retired), (1, 0));
    assert_eq!((id(&onefold, "a"), id(&onefold, "c")), (of_a, of_b));
    let mut onefold = check(&data, onefold, &[(of_a, Some(of_a)), (of_b, Some(of_b))]);

    // Merged again, by a decision.
    let ruling = same(&onefold, "a", "c");
    let (_, done) = decide(&mut onefold, ruling);
    assert_eq!((done.new, done.retired), (0, 1));
    let mut onefold = check(&data, onefold, &[(of_a, Some(of_a)), (of_b, Some(of_a))]);

    // The oldest is deleted: the id leads to what goes on, named by the oldest that is left.
    remove(&mut onefold, "a", 7);
    onefold.commit().unwrap();
    let of_m = id(&onefold, "m");
    assert_eq!(id(&onefold, "c"), of_b, "a decision waits while its record is away");
    assert_ne!(of_m, of_a);
    let mut onefold = check(&data, onefold, &[(of_a, Some(of_b)), (of_b, Some(of_b)), (of_m, Some(of_m))]);

    // It returns, and has its id again.
    put(&mut onefold, "a", &row("a@example.com", ""), 8);
    onefold.commit().unwrap();
    let mut onefold = check(&data, onefold, &[(of_a, Some(of_a)), (of_b, Some(of_a)), (of_m, Some(of_a))]);

    // Erased, it is forgotten, and so is the id, which is the hash of its name; the others go on.
    let request = ErasureRequest { request: "DSR-3".into(), ground: "GDPR Art. 17(1)(a)".into(), due_days: 30 };
    let a = birth(&onefold, "a");
    onefold.erase(Scope::Record(a), &request).unwrap();
    check(&data, onefold, &[(of_a, None), (of_b, Some(of_b)), (of_m, Some(of_m))]);
}
