//! Goal: what binds the records of a person after a split holds from the epoch on in which a consent was ended, reaches no
//! further than that consent did, and is the same whether the program was restarted, stopped or rebuilt meanwhile.
//! Method: small stories of people who are joined and part, with consents on several identifiers; and random histories that
//! are told without a restart, with restarts, with an index that lags behind, and from the ledger alone.

mod restarts;

use super::{Story, copy, remove_patiently};
use crate::support::{DAY, NOW, bundle, patiently, push, read};
use onefold::pipeline::{Error, Onefold, OpenOptions, Rectified, Statement};
use onefold::policy::Bundle;
use serde_json::{Value, json};

const PURPOSES: &str = r#"
combining = "unified"

[[purpose]]
name = "marketing"
dpv = "dpv:Marketing"
description = "Offers by e-mail."
basis = "consent"
categories = ["contact", "identity"]
recipients = ["us"]

[[purpose]]
name = "analytics"
dpv = "dpv:ServiceUsageAnalytics"
description = "Figures."
basis = "consent"
categories = ["contact", "identity"]
recipients = ["us"]

[[purpose]]
name = "unified"
dpv = "dpv:CustomerManagement"
description = "One customer is one customer"
basis = "legitimate_interest"
categories = []
recipients = ["us"]
"#;

const UNIFIED: &str = r#"
@id("unified") @law("Art. 6(1)(f) GDPR")
permit (principal == Purpose::"unified", action == Action::"combine", resource);
"#;

/// Two purposes, combining governed, consents on address, phone and account; addresses and accounts are strong.
fn rules() -> Bundle {
    let mut files = bundle().files;
    for (name, text) in &mut files {
        match name.as_str() {
            "purposes.toml" => *text = PURPOSES.to_owned(),
            "decide.cedar" => {
                text.push_str(UNIFIED);
            }
            "sources.toml" => {
                *text = text.replace(
                    "role = \"consents\"\nkey = \"id\"\n[source.fields]\n",
                    "role = \"consents\"\nkey = \"id\"\n[source.fields]\naccount = \"account_id\"\nphone = \"phone\"\n",
                )
            }
            _ => {}
        }
    }
    Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}"))
}

fn story() -> Story {
    Story::under(rules())
}

impl Story {
    /// A consent comes, on these identifiers and for these purposes, with commas between them.
    fn say_on(&mut self, key: &str, on: &Value, purposes: &str, status: &str, at: &str) {
        let mut event = on.clone();
        event["id"] = key.into();
        event["purpose"] = json!(purposes.split(',').collect::<Vec<_>>());
        event["status"] = status.into();
        event["at"] = at.into();
        push(self.onefold(), &json!({"source": "consents", "event": event}));
        assert!(read(self.onefold()).quarantined_records(10).unwrap().is_empty());
    }

    fn allowed_for(&self, name: &str, purpose: &str) -> bool {
        let onefold = self.onefold.as_ref().unwrap();
        match read(onefold).profile(self.root(name), onefold.schema().purpose(purpose)) {
            Ok(_) => true,
            Err(Error::Denied { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }
}

fn statement() -> Statement {
    Statement { by: "steward".to_owned(), reason: "as the person says".to_owned() }
}

const BOTH: fn() -> Value = || json!({"email": "a@example.com", "account": "A1"});

/// A withdrawal on an account and an address; a later consent on the address alone, for one of the purposes. The record has
/// the address; another is joined to it by phone. Nothing else happens: the next epoch must change nothing.
fn withdrawn_on_two_and_given_again_on_one(story: &mut Story) {
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.put("crm:2", &json!({"email": "b@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.say_on("w1", &BOTH(), "marketing,analytics", "withdrawn", "2026-05-01T00:00:00Z");
    story.say_on("g1", &json!({"email": "a@example.com"}), "analytics", "given", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "crm:2"));
    assert!(!story.allowed_for("crm:1", "marketing"));
    assert!(story.allowed_for("crm:1", "analytics"), "lifted on the address that it was withdrawn on");
}

#[test]
fn a_binding_changes_nothing_while_they_stay_together() {
    let mut story = story();
    withdrawn_on_two_and_given_again_on_one(&mut story);
    // Somebody else comes.
    story.put("crm:9", &json!({"email": "z@example.com"}));
    story.commit();
    assert!(story.allowed_for("crm:1", "analytics"), "nothing happened to this profile");
}

#[test]
fn a_binding_is_the_same_with_and_without_a_restart() {
    let (mut one, mut two) = (story(), story());
    for story in [&mut one, &mut two] {
        withdrawn_on_two_and_given_again_on_one(story);
    }
    two.again();
    for story in [&mut one, &mut two] {
        story.put("crm:9", &json!({"email": "z@example.com"}));
        story.commit();
    }
    assert_eq!(one.allowed_for("crm:1", "analytics"), two.allowed_for("crm:1", "analytics"));
}

/// After a restart dataflow and index say something else; what then touches the profile may stop the engine.
#[test]
fn after_a_restart_with_a_binding_the_profile_can_still_be_changed() {
    let mut story = story();
    withdrawn_on_two_and_given_again_on_one(&mut story);
    story.again();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Lovelace", "phone": "+353 85 012 3456"}));
    story.onefold().commit().unwrap();
    story.again();
    let verified = onefold::ledger::verify(&story.folder.path().join("data/ledger"), &[], |_| {});
    assert!(verified.is_ok());
    story.rebuild();
}

#[test]
fn a_new_consent_on_one_of_the_identifiers_lifts_what_was_withdrawn_while_together() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.put("crm:2", &json!({"email": "b@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.commit();
    assert!(story.joined("crm:1", "crm:2"));
    story.say_on("w1", &BOTH(), "marketing", "withdrawn", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(!story.allowed_for("crm:1", "marketing"));
    story.say_on("g1", &json!({"email": "a@example.com"}), "marketing", "given", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(story.allowed_for("crm:1", "marketing"), "given later on a verified identifier that it was withdrawn on");
}

/// A row for another purpose, of which others spoke on the other identifier, appears although nothing happened.
#[test]
fn a_binding_asks_for_no_purpose_of_others() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    story.say_on("g1", &json!({"account": "A1"}), "analytics", "given", "2026-05-01T00:00:00Z");
    story.commit();
    story.say_on("w1", &BOTH(), "marketing", "withdrawn", "2026-05-01T00:00:00Z");
    story.commit();
    story.put("crm:9", &json!({}));
    let changed = story.onefold().commit().unwrap().unwrap().profiles;
    assert_eq!(changed, 1, "somebody else came, and nothing happened to the other");
}

/// An address that too many carry reaches nobody; who withdraws on it binds nobody else.
#[test]
fn what_reaches_nobody_binds_nobody() {
    let mut story = story();
    for n in 10..16 {
        story.put(&format!("crm:{n}"), &json!({"email": "info@example.com", "family": format!("F{n}")}));
    }
    story.put("crm:1", &json!({"email": "info@example.com", "account": "A1", "family": "Ada"}));
    story.say_on("g1", &json!({"account": "A1"}), "marketing", "given", "2026-05-01T00:00:00Z");
    story.say_on("g2", &json!({"account": "A1"}), "analytics", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.allowed_for("crm:1", "marketing") && story.allowed_for("crm:1", "analytics"));
    // In one epoch: she withdraws one purpose, and somebody else withdraws everything on the shared address.
    story.say_on("w1", &json!({"account": "A1"}), "marketing", "withdrawn", "2026-05-02T00:00:00Z");
    story.say_on(
        "w2",
        &json!({"email": "info@example.com"}),
        "marketing,analytics",
        "withdrawn",
        "2026-05-02T00:00:00Z",
    );
    story.commit();
    assert!(!story.allowed_for("crm:1", "marketing"));
    assert!(story.allowed_for("crm:1", "analytics"), "the shared address reaches nobody");
    story.put("crm:9", &json!({"email": "z@example.com"}));
    story.commit();
    assert!(story.allowed_for("crm:1", "analytics"), "nothing happened to this profile: {:?}", story.bound());
}

/// One message withdraws for marketing and for combining on an address that reaches nobody, in the epoch in which she
/// withdraws for marketing.
#[test]
fn what_reaches_nobody_tears_nobody_apart() {
    let mut story = story();
    for n in 10..16 {
        story.put(&format!("crm:{n}"), &json!({"email": "info@example.com", "family": format!("F{n}")}));
    }
    story.put("crm:1", &json!({"email": "info@example.com", "account": "A1", "family": "Ada"}));
    story.put("shop:2", &json!({"email": "b@example.com", "account": "A1", "family": "Ada"}));
    story.say_on("g1", &json!({"account": "A1"}), "marketing", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "shop:2"));
    story.say_on("w1", &json!({"account": "A1"}), "marketing", "withdrawn", "2026-05-02T00:00:00Z");
    story.say_on("w2", &json!({"email": "info@example.com"}), "marketing,unified", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "shop:2"));
    story.put("crm:9", &json!({"email": "z@example.com"}));
    story.commit();
    assert!(story.joined("crm:1", "shop:2"), "nothing happened to this profile: {:?}", story.bound());
}

#[test]
fn a_withdrawal_that_is_said_again_binds_who_came_in_between() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "account": "A1"}));
    story.say_on("w1", &json!({"email": "a@example.com"}), "marketing", "withdrawn", "2026-05-01T00:00:00Z");
    story.commit();
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Ada", "account": "A1"}));
    story.say_on("g1", &json!({"email": "b@example.com"}), "marketing", "given", "2026-04-01T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "shop:2") && !story.allowed_for("shop:2", "marketing"));
    // She withdraws once more, by the same consent record, while both are together.
    story.say_on("w1", &json!({"email": "a@example.com"}), "marketing", "withdrawn", "2026-05-10T00:00:00Z");
    story.commit();
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Ada", "account": "A2"}));
    story.commit();
    assert!(!story.joined("crm:1", "shop:2"));
    assert!(!story.allowed_for("shop:2", "marketing"), "withdrawn while together: {:?}", story.bound());
}

#[test]
fn a_withdrawal_whose_identifier_changes_binds_by_the_new_one() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Ada", "account": "A1"}));
    story.say_on("g1", &json!({"email": "b@example.com"}), "marketing", "given", "2026-04-01T00:00:00Z");
    story.commit();
    story.say_on("w1", &json!({"email": "a@example.com"}), "marketing", "withdrawn", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "shop:2") && !story.allowed_for("shop:2", "marketing"));
    // She consents again, under a new address; and withdraws again: the same consent record all the time.
    story.put("crm:1", &json!({"email": "c@example.com", "family": "Ada", "account": "A1"}));
    story.say_on("w1", &json!({"email": "c@example.com"}), "marketing", "given", "2026-05-03T00:00:00Z");
    story.commit();
    assert!(story.allowed_for("crm:1", "marketing"));
    story.say_on("w1", &json!({"email": "c@example.com"}), "marketing", "withdrawn", "2026-05-04T00:00:00Z");
    story.commit();
    assert!(!story.allowed_for("crm:1", "marketing"));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Ada", "account": "A2"}));
    story.commit();
    assert!(!story.joined("crm:1", "shop:2"));
    assert!(!story.allowed_for("shop:2", "marketing"), "withdrawn while together: {:?}", story.bound());
}

#[test]
fn who_withdraws_everything_combining_included_withdraws_it_for_all_records_of_theirs() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Ada", "account": "A1"}));
    story.say_on("g1", &json!({"email": "b@example.com"}), "marketing", "given", "2026-04-01T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "shop:2") && story.allowed_for("shop:2", "marketing"));
    story.say_on("w1", &json!({"email": "a@example.com"}), "marketing,unified", "withdrawn", "2026-05-01T00:00:00Z");
    story.commit();
    // Combining is not refused by what is withdrawn for it under a bundle that permits it, but by `withdrawn` here or not:
    // whichever, what was withdrawn while together holds for both.
    assert!(
        !story.allowed_for("shop:2", "marketing"),
        "joined: {}, {:?}",
        story.joined("crm:1", "shop:2"),
        story.bound()
    );
}

/// A steward sets what the only record says already; two others say otherwise afterwards.
fn confirmed() -> (Story, fn(&Story) -> String) {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "city": "Berlin", "account": "A1"}));
    story.commit();
    let (root, city) = (story.root("crm:1"), story.onefold().schema().attribute("city").unwrap());
    let done = story.onefold().rectify(root, None, city, Rectified::Value("Berlin"), &statement()).unwrap();
    assert_eq!(done.records, 1);
    story.put("shop:2", &json!({"city": "Paris", "account": "A1"}));
    story.put("shop:3", &json!({"city": "Paris", "account": "A1"}));
    story.commit();
    let shown = |story: &Story| {
        let view = read(story.onefold.as_ref().unwrap()).profile(story.root("crm:1"), None).unwrap();
        view.values.iter().find(|value| value.attribute == "city").unwrap().value.clone()
    };
    (story, shown)
}

#[test]
fn what_a_steward_confirms_is_rectified() {
    let (story, shown) = confirmed();
    assert_eq!(shown(&story), "Berlin", "no source overwrites what a steward set");
}

#[test]
fn what_a_steward_confirms_lets_the_profile_change_after_a_restart() {
    let (mut story, shown) = confirmed();
    let before = shown(&story);
    story.again();
    story.put("shop:2", &json!({"city": "Paris", "account": "A1", "family": "Ada"}));
    let committed = story.onefold().commit();
    assert!(committed.is_ok(), "{committed:?}");
    assert_eq!(shown(&story), before, "a restart changes nothing");
}

/// Rule 4, and the rule in `channel`: what is received later lifts only what was given earlier.
#[test]
fn a_backdated_grant_by_the_same_consent_lifts_nothing() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    let on = json!({"email": "a@example.com"});
    story.say_on("c1", &on, "marketing", "withdrawn", "2026-05-20T00:00:00Z");
    story.commit();
    assert!(!story.allowed_for("crm:1", "marketing"));
    // The grant that she withdrew is delivered late.
    story.say_on("c1", &on, "marketing", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(!story.allowed_for("crm:1", "marketing"));
}

/// `until` is when anything changes, which is not always an end.
#[test]
fn a_consent_that_begins_ends_nothing_for_readers() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    let on = json!({"email": "a@example.com"});
    story.say_on("c1", &on, "marketing", "given", "2026-05-20T00:00:00Z");
    story.say_on("c2", &on, "marketing", "given", "2026-06-03T00:00:00Z");
    story.commit();
    assert!(story.allowed_for("crm:1", "marketing"));
    story.set(NOW + 2 * DAY);
    let before = story.allowed_for("crm:1", "marketing");
    story.commit();
    assert_eq!((before, story.allowed_for("crm:1", "marketing")), (true, true));
}

/// A stop between the commit of the ledger and the index: the next opening replays the epoch.
#[test]
fn an_epoch_after_a_binding_is_replayed_as_it_was_written() {
    let mut story = story();
    withdrawn_on_two_and_given_again_on_one(&mut story);
    let (index, kept) = (story.folder.path().join("data/index"), story.folder.path().join("kept"));
    copy(&index, &kept);
    story.put("crm:9", &json!({"email": "z@example.com"}));
    story.commit();
    drop(story.onefold.take());
    remove_patiently(&index);
    copy(&kept, &index);
    let opened = patiently(|| {
        Onefold::open(
            &story.folder.path().join("data"),
            OpenOptions { clock: Box::new(story.clock.clone()), ..OpenOptions::default() },
        )
    });
    assert!(opened.is_ok(), "{:?}", opened.err());
}

/// Withdrawn again: the source is believed again.
#[test]
fn a_rectification_that_ends_ends_although_the_source_says_the_same_by_now() {
    let mut story = story();
    story.put("crm:1", &json!({"email": "a@example.com", "city": "Berlin", "account": "A1"}));
    story.commit();
    let (root, city) = (story.root("crm:1"), story.onefold().schema().attribute("city").unwrap());
    story.onefold().rectify(root, None, city, Rectified::Value("Rome"), &statement()).unwrap();
    story.put("crm:1", &json!({"email": "a@example.com", "city": "Rome", "account": "A1"}));
    story.put("shop:2", &json!({"city": "Paris", "account": "A1"}));
    story.put("shop:3", &json!({"city": "Paris", "account": "A1"}));
    story.commit();
    let shown = |story: &Story| {
        let view = read(story.onefold.as_ref().unwrap()).profile(story.root("crm:1"), None).unwrap();
        view.values.iter().find(|value| value.attribute == "city").unwrap().value.clone()
    };
    assert_eq!(shown(&story), "Rome");
    story.onefold().end_rectification(root, city, &statement()).unwrap();
    assert_eq!(shown(&story), "Paris", "two of three say so");
}
