//! Goal: what comes late, for several purposes, or several at once, counts for all that it says and for no more.
//! Method: the stories of [`super`], looked at again after the directory is opened anew.

use super::super::support::{export, push, read};
use super::{DAY, NOW, Story};
use onefold::pipeline::Table;
use onefold::policy::Bundle;
use serde_json::json;

#[test]
fn an_end_that_comes_late_is_told_with_its_window() {
    let mut story = Story::new();
    for (key, email) in [("1", "a@example.com"), ("2", "b@example.com"), ("3", "c@example.com")] {
        story.put(&format!("crm:{key}"), &json!({"email": email}));
        story.say(&format!("given-{key}"), email, "given", "2026-05-01T00:00:00Z");
    }
    story.commit();
    // Today is 1 June: one says so of 25 May, one of today, one of tomorrow.
    story.say("late", "a@example.com", "withdrawn", "2026-05-25T00:00:00Z");
    story.say("at-once", "b@example.com", "withdrawn", "2026-06-01T00:00:00Z");
    story.say("early", "c@example.com", "objected", "2026-06-02T00:00:00Z");
    story.commit();
    let exposure = |story: &Story, name: &str| {
        let onefold = story.onefold.as_ref().unwrap();
        let purpose = onefold.schema().purpose("marketing").unwrap();
        onefold.finder().unwrap().permission(story.root(name), purpose).unwrap().exposure
    };
    let check = |story: &Story| {
        let found = exposure(story, "crm:1").unwrap();
        let day = i64::from(DAY) * 1_000_000;
        assert_eq!((found.end, found.received_us - found.claimed_us), ("withdrawn", 7 * day));
        let says = "withdrawn on 25 May 2026, received on 1 June 2026: uses in these 7 days were made without consent";
        assert_eq!(found.says, says);
        assert_eq!((exposure(story, "crm:2"), exposure(story, "crm:3")), (None, None));
        let all = export(story.onefold.as_ref().unwrap(), Table::Exposures);
        let expected = "source,record_id,purpose,end,claimed,received\n\
                        consents,late,marketing,withdrawn,2026-05-25T00:00:00Z,2026-06-01T00:00:00Z\n";
        assert_eq!(all, expected);
    };
    check(&story);
    story.again();
    check(&story);
    // A consent again permits; that there was a window stays in the list.
    story.set(NOW + DAY);
    story.say("again", "a@example.com", "given", "2026-06-02T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1") && exposure(&story, "crm:1").is_none());
    assert_eq!(export(story.onefold.as_ref().unwrap(), Table::Exposures).lines().count(), 2);
}

#[test]
fn of_two_withdrawals_at_once_both_bind_after_a_split() {
    let (a, b) = ("a@example.com", "b@example.com");
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": a, "account": "A1"}));
    story.put("shop:2", &json!({"email": b, "account": "A1"}));
    story.put("crm:3", &json!({"phone": "+353 85 012 3456", "account": "A1"}));
    story.put("list:4", &json!({"email": "d@example.com"}));
    story.commit();
    story.say("c1", a, "withdrawn", "2026-05-02T00:00:00Z");
    story.say("c2", b, "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert_eq!(story.bound(), [3, 3], "each binds all three");
    // The third goes its own way; then what was said last, and on the other address, is taken back.
    story.put("crm:3", &json!({"phone": "+353 85 012 3456", "email": "c@example.com", "account": "A3"}));
    story.say("c0", "c@example.com", "given", "2026-04-01T00:00:00Z");
    story.commit();
    assert!(!story.joined("crm:1", "crm:3") && !story.allowed("crm:3"));
    let taken_back = |story: &mut Story, key: &str, email: &str| story.say(key, email, "given", "2026-05-03T00:00:00Z");
    taken_back(&mut story, "c2", b);
    story.commit();
    assert!(!story.allowed("crm:3"), "the other withdrawal binds, too: {}", story.why("crm:3"));
    story.again();
    assert!(!story.allowed("crm:3"));
    taken_back(&mut story, "c1", a);
    story.commit();
    assert!(story.allowed("crm:3"), "nothing is left that binds it");
}

/// Purposes that rest on consent.
fn purposes(names: &[&str]) -> String {
    let purpose = |name: &&str| {
        let term = if *name == "analytics" { "dpv:ServiceUsageAnalytics" } else { "dpv:Marketing" };
        format!(
            "[[purpose]]\nname = \"{name}\"\ndpv = \"{term}\"\ndescription = \"x\"\nbasis = \"consent\"\n\
             categories = [\"contact\"]\nrecipients = [\"us\"]\n"
        )
    };
    names.iter().map(purpose).collect()
}

#[test]
fn what_a_bundle_learns_to_know_counts_as_of_when_it_came() {
    let mut story = Story::with(&[("purposes.toml", &purposes(&["marketing"]))]);
    story.put("crm:1", &json!({"email": "a@example.com"}));
    let receipt = json!({"source": "consents", "event": {
        "id": "r1", "email": "a@example.com", "purpose": ["marketing", "analytics"], "status": "withdrawn",
        "at": "2026-05-01T00:00:00Z",
    }});
    push(story.onefold(), &receipt);
    story.commit();
    story.say("c1", "a@example.com", "given", "2026-05-05T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1"), "it was given again after that");
    let mut files = story.onefold().bundle().files.clone();
    for (name, text) in &mut files {
        match name.as_str() {
            "purposes.toml" => *text = purposes(&["marketing", "analytics"]),
            "bundle.toml" => *text = text.replace("version = \"1\"", "version = \"2\""),
            _ => {}
        }
    }
    let bundle = Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}"));
    story.onefold().activate(bundle).unwrap();
    let check = |story: &mut Story| {
        assert!(story.allowed("crm:1"), "the withdrawal has not become a new one");
        let root = story.root("crm:1");
        let onefold = story.onefold();
        let purpose = onefold.schema().purpose("analytics").unwrap();
        let view = onefold.finder().unwrap().permission(root, purpose).unwrap();
        assert!(!view.allowed && view.why.contains("withdrawn"), "{}", view.why);
    };
    check(&mut story);
    story.onefold().retry_quarantine().unwrap();
    check(&mut story);
    story.again();
    check(&mut story);
}

#[test]
fn a_receipt_for_several_purposes_counts_for_each_while_it_names_it() {
    let mut story = Story::with(&[("purposes.toml", &purposes(&["marketing", "analytics"]))]);
    let allowed = |story: &Story| {
        let onefold = story.onefold.as_ref().unwrap();
        ["marketing", "analytics"].map(|name| {
            let purpose = onefold.schema().purpose(name).unwrap();
            onefold.finder().unwrap().permission(story.root("crm:1"), purpose).unwrap().allowed
        })
    };
    story.put("crm:1", &json!({"email": "a@example.com", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "account": "A1"}));
    for (purposes, status, expected) in [
        (json!(["marketing", "dpv:ServiceUsageAnalytics"]), "given", [true, true]),
        // What a later version no longer names is no longer consented to.
        (json!(["analytics"]), "given", [false, true]),
        (json!("marketing"), "given", [true, false]),
        (json!({"dpv:hasPurpose": ["marketing", "analytics"]}), "renewed", [true, true]),
        // What nobody knows costs only itself.
        (json!(["marketing", "astrology"]), "given", [true, false]),
        (json!(["marketing", "analytics"]), "given", [true, true]),
        (json!(["marketing", "analytics", "astrology"]), "withdrawn", [false, false]),
    ] {
        let at = "2026-05-01T00:00:00Z";
        let line = json!({"source": "consents", "event": {
            "id": "r1", "email": "a@example.com", "purpose": purposes, "status": status, "at": at,
        }});
        push(story.onefold(), &line);
        story.commit();
        assert_eq!(allowed(&story), expected, "{status} {purposes}");
        story.again();
        assert_eq!(allowed(&story), expected, "{status} {purposes}, opened again");
    }
    assert_eq!(story.bound(), [2], "one entry, however many purposes it is for");
    let waiting = read(story.onefold()).quarantined_values(9).unwrap();
    assert_eq!((waiting.len(), waiting[0].field.as_str()), (1, "purpose"));
    assert!(waiting[0].reason.contains("one that the bundle does not have"), "{}", waiting[0].reason);
}

#[test]
fn who_has_very_many_records_is_bound_by_all_of_them() {
    const RECORDS: usize = 4_100;
    let identity = "[profile]\nrecords_max = 10000\n\n[[identifier]]\nattribute = \"account_id\"\npriority = 100\n\
                    records_max = 10000\n\n[[identifier]]\nattribute = \"email\"\npriority = 90\n";
    let mut story = Story::with(&[("identity.toml", identity)]);
    for number in 0..RECORDS {
        story.put(&format!("shop:{number}"), &json!({"account": "A1"}));
    }
    story.put("crm:1", &json!({"email": "a@example.com", "account": "A1"}));
    story.say("c1", "a@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert_eq!(story.bound(), [4_000, RECORDS + 1 - 4_000], "an entry holds so many at most");
    // The first and the last that were bound go their own way, with consents from before.
    for (number, email) in [(0, "b@example.com"), (RECORDS - 1, "c@example.com")] {
        story.put(&format!("shop:{number}"), &json!({"email": email, "account": format!("B{number}")}));
        story.say(email, email, "given", "2026-04-01T00:00:00Z");
    }
    story.commit();
    for again in [false, true] {
        if again {
            story.again();
        }
        for name in ["shop:0", "shop:4099"] {
            assert!(!story.joined(name, "crm:1") && !story.allowed(name), "{name}, again {again}");
        }
    }
}
