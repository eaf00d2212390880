//! Goal: nobody gets more than was consented to, whatever order things come in and whoever is joined to whom.
//! Method: small stories, told to the whole engine; after each step the answer for one purpose, and which values it shows.

mod bound;
mod receipts;

use super::ledger_faults::copy;
use super::support::{DAY, Hands, NOW, bundle, event, patiently, push, read, remove_patiently};
use onefold::ledger::{Content, Kind};
use onefold::model::{Birth, Ruling};
use onefold::pipeline::{Error, InitOptions, Onefold, OpenOptions, Statement};
use onefold::policy::Bundle;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

struct Story {
    folder: TempDir,
    clock: Hands,
    onefold: Option<Onefold>,
    log: u64,
}

impl Story {
    fn new() -> Self {
        Self::under(bundle())
    }

    /// Under the test bundle with some of its files in another way.
    fn with(changed: &[(&str, &str)]) -> Self {
        let mut files = bundle().files;
        for (name, text) in changed {
            files.retain(|(other, _)| other != name);
            files.push(((*name).to_owned(), (*text).to_owned()));
        }
        files.sort();
        Self::under(Bundle::compile(files).unwrap_or_else(|problems| panic!("{problems}")))
    }

    fn under(bundle: Bundle) -> Self {
        Self::like(bundle, None)
    }

    /// With the identity key of another.
    fn like(bundle: Bundle, other: Option<&Self>) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Hands::new(NOW));
        let identity_from = other.map(|other| other.folder.path().join("data"));
        let options = InitOptions { clock: Box::new(clock.clone()), identity_from, ..InitOptions::default() };
        let onefold = Onefold::init(&folder.path().join("data"), bundle, options).unwrap();
        Self { folder, clock, onefold: Some(onefold), log: 0 }
    }

    fn onefold(&mut self) -> &mut Onefold {
        self.onefold.as_mut().unwrap()
    }

    /// Closes the directory and opens it again.
    fn again(&mut self) {
        drop(self.onefold.take());
        let options = || OpenOptions { clock: Box::new(self.clock.clone()), ..OpenOptions::default() };
        let data = self.folder.path().join("data");
        self.onefold = Some(patiently(|| Onefold::open(&data, options())).unwrap());
    }

    /// The index is lost: everything comes from the ledger.
    fn rebuild(&mut self) {
        drop(self.onefold.take());
        remove_patiently(&self.folder.path().join("data/index"));
        self.again();
    }

    fn set(&mut self, now: u32) {
        self.clock.set(now);
    }

    /// A record comes; nothing is committed.
    fn put(&mut self, name: &str, row: &Value) {
        let (source, key) = name.split_once(':').unwrap();
        if source == "list" {
            let mut row = row.clone();
            row["id"] = key.into();
            push(self.onefold(), &json!({"source": source, "event": row}));
            return;
        }
        self.log += 1;
        let line = event(source, key, Some(row), self.log);
        push(self.onefold(), &line);
    }

    fn delete(&mut self, name: &str) {
        let (source, key) = name.split_once(':').unwrap();
        self.log += 1;
        let line = event(source, key, None, self.log);
        push(self.onefold(), &line);
    }

    /// A consent comes, for marketing.
    fn say(&mut self, key: &str, email: &str, status: &str, at: &str) {
        self.say_until(key, email, status, at, None);
    }

    fn say_until(&mut self, key: &str, email: &str, status: &str, at: &str, until: Option<&str>) {
        let line = json!({"source": "consents", "event": {
            "id": key, "email": email, "purpose": "marketing", "status": status, "at": at, "until": until,
        }});
        push(self.onefold(), &line);
    }

    fn commit(&mut self) {
        self.onefold().commit().unwrap();
    }

    fn root(&self, name: &str) -> Birth {
        self.onefold.as_ref().unwrap().finder().unwrap().profiles_of(name).unwrap()[0]
    }

    /// The values that may be used for marketing, each with its record; `None`: denied.
    fn shown(&self, name: &str) -> Option<Vec<String>> {
        let onefold = self.onefold.as_ref().unwrap();
        let purpose = onefold.schema().purpose("marketing");
        match read(onefold).profile(self.root(name), purpose) {
            Ok(view) => {
                let value = |value: &onefold::pipeline::ValueView| {
                    format!("{} {} {}", value.attribute, value.value, value.record.name())
                };
                Some(view.values.iter().map(value).collect())
            }
            Err(Error::Denied { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    fn allowed(&self, name: &str) -> bool {
        self.shown(name).is_some()
    }

    fn why(&self, name: &str) -> String {
        let onefold = self.onefold.as_ref().unwrap();
        let purpose = onefold.schema().purpose("marketing").unwrap();
        onefold.finder().unwrap().permission(self.root(name), purpose).unwrap().why
    }

    /// How many records each binding entry names.
    fn bound(&self) -> Vec<usize> {
        let entries = read(self.onefold.as_ref().unwrap()).entries(0, u64::MAX).unwrap();
        let records =
            |content: &Content| if let Content::Binding(bound) = content { Some(bound.records.len()) } else { None };
        entries.iter().filter_map(|entry| records(&entry.content)).collect()
    }

    fn joined(&self, one: &str, other: &str) -> bool {
        self.root(one) == self.root(other)
    }

    fn birth(&self, name: &str) -> Birth {
        self.onefold.as_ref().unwrap().finder().unwrap().record(name).unwrap()
    }

    fn different(&mut self, one: &str, other: &str) {
        let ruling = Ruling::different(self.birth(one), self.birth(other));
        let statement = Statement { by: "steward".to_owned(), reason: "two people".to_owned() };
        self.onefold().decide(ruling, &statement).unwrap();
        self.commit();
    }
}

#[test]
fn a_withdrawal_wins_in_flight_at_the_same_time_and_after_release() {
    let mut story = Story::new();
    // In flight: both come before anybody sees either.
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.say("c2", "a@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"));
    // At the same instant, in either order of arrival.
    for (key, first, second) in [("2", "given", "withdrawn"), ("3", "withdrawn", "given")] {
        let email = format!("b{key}@example.com");
        story.put(&format!("crm:{key}"), &json!({"email": email, "family": "Bo"}));
        story.say(&format!("{key}-1"), &email, first, "2026-05-01T00:00:00Z");
        story.say(&format!("{key}-2"), &email, second, "2026-05-01T00:00:00Z");
        story.commit();
        assert!(!story.allowed(&format!("crm:{key}")), "{first} then {second}");
    }
    // After release: from the epoch that it comes in.
    story.put("crm:4", &json!({"email": "d@example.com", "family": "Di"}));
    story.say("c7", "d@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:4"));
    story.say("c8", "d@example.com", "withdrawn", "2026-05-03T00:00:00Z");
    assert!(story.allowed("crm:4"), "what is not committed is not seen");
    story.commit();
    assert!(!story.allowed("crm:4"));
    assert!(story.why("crm:4").contains("withdrawn"));
    story.again();
    assert!(!story.allowed("crm:4"));
}

#[test]
fn a_grant_begins_when_it_was_both_given_and_received() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    // From the future: it does not count before its day.
    story.say("c1", "a@example.com", "given", "2026-06-03T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"));
    story.set(NOW + 2 * DAY - 1);
    story.commit();
    assert!(!story.allowed("crm:1"));
    story.set(NOW + 2 * DAY);
    story.commit();
    assert!(story.allowed("crm:1"), "{}", story.why("crm:1"));
    // Backdated before a withdrawal that is known: it lifts nothing. Nor does one that is late.
    story.say("c2", "a@example.com", "withdrawn", "2026-06-02T00:00:00Z");
    story.commit();
    story.say("c3", "a@example.com", "given", "2026-06-01T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"));
    // A withdrawal that is dated into the future acts at once, and does not outlast a consent given after it came.
    story.say("c4", "a@example.com", "withdrawn", "2030-01-01T00:00:00Z");
    story.commit();
    story.set(NOW + 4 * DAY);
    story.say("c5", "a@example.com", "given", "2026-06-04T12:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1"), "{}", story.why("crm:1"));
}

#[test]
fn what_began_or_ended_while_nobody_was_there_is_told_to_who_comes() {
    let row = |n: u8| json!({"email": format!("p{n}@example.com"), "given": "Ada"});
    let mut story = Story::new();
    story.say("begins", "p1@example.com", "given", "2026-06-10T00:00:00Z");
    story.say_until("ends", "p2@example.com", "given", "2026-05-01T00:00:00Z", Some("2026-06-10T00:00:00Z"));
    story.commit();
    story.set(NOW + 20 * DAY);
    story.put("list:1", &row(1));
    story.put("list:2", &row(2));
    story.commit();
    assert_eq!((story.allowed("list:1"), story.allowed("list:2")), (true, false));
    assert_eq!(story.why("list:2"), "the consent has expired (GDPR Art. 6(1)(a))");
}

#[test]
fn what_a_stop_left_uncommitted_is_of_its_time_or_of_that_of_the_opening() {
    let row = json!({"email": "p1@example.com", "given": "Ada"});
    let mut story = Story::new();
    story.say("begins", "p1@example.com", "given", "2026-06-10T00:00:00Z");
    story.commit();
    let (data, whole) = (story.folder.path().join("data"), story.folder.path().join("whole"));
    story.onefold = None;
    copy(&data, &whole);
    let open = |data: &Path, now| {
        let clock = Box::new(Hands::new(now));
        patiently(|| Onefold::open(data, OpenOptions { clock: clock.clone(), ..OpenOptions::default() })).unwrap()
    };
    let mut onefold = open(&whole, NOW);
    push(&mut onefold, &json!({"source": "list", "event": {"id": "1", "email": row["email"], "given": row["given"]}}));
    let at = i64::from(NOW + 300 * DAY) * 1_000_000;
    onefold.tick_until(at).unwrap();
    drop(onefold);
    // The ledger up to each of the entries of that epoch, beside the index from before it; the clock is behind.
    let mut ends = Vec::new();
    let ledger = |data: &Path| data.join("ledger");
    let (mut came, mut ticked) = (false, false);
    let reader = onefold::ledger::Reader::open(&ledger(&whole), None).unwrap();
    reader
        .scan(None, |entry| -> Result<(), onefold::ledger::Error> {
            ends.extend(came.then_some((entry.placed.position.offset(), ticked)));
            came |= entry.header.kind == Kind::Received;
            ticked |= matches!(entry.content, Content::Tick(tick) if tick.at == at);
            Ok(())
        })
        .unwrap();
    let segment = |data: &Path| {
        let files = std::fs::read_dir(ledger(data)).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|extension| extension == "seg")).max().unwrap()
    };
    let (before, after) = (std::fs::metadata(segment(&data)).unwrap().len(), std::fs::read(segment(&whole)).unwrap());
    let mut seen = [0, 0];
    for (end, ticked) in ends.into_iter().filter(|(end, _)| u64::from(*end) > before) {
        let tried = story.folder.path().join("tried");
        let _ = std::fs::remove_dir_all(&tried);
        copy(&data, &tried);
        std::fs::write(segment(&tried), &after[..end as usize]).unwrap();
        let now = NOW + 20 * DAY;
        let onefold = open(&tried, now);
        let expected = if ticked { at } else { i64::from(now) * 1_000_000 };
        assert_eq!(onefold.tick(), Some(expected), "cut at {end}");
        assert_eq!(onefold.due_us(), None);
        let root = onefold.finder().unwrap().profiles_of("list:1").unwrap()[0];
        assert!(read(&onefold).profile(root, onefold.schema().purpose("marketing")).is_ok(), "it had begun by then");
        seen[usize::from(ticked)] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}

#[test]
fn time_never_goes_back() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    story.say_until("c1", "a@example.com", "given", "2026-05-01T00:00:00Z", Some("2026-06-02T00:00:00Z"));
    story.commit();
    assert!(story.allowed("crm:1"));
    story.set(NOW + DAY);
    story.commit();
    assert!(!story.allowed("crm:1"), "it ends exactly at its end");
    story.set(NOW);
    story.again();
    story.put("crm:2", &json!({"email": "b@example.com"}));
    story.say("c2", "b@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"), "a clock that is set back revives nothing");
    assert_eq!(story.onefold().tick(), Some(i64::from(NOW + DAY) * 1_000_000));
    assert!(matches!(story.onefold().tick_until(i64::from(NOW) * 1_000_000), Err(Error::BadName { .. })));
}

#[test]
fn who_is_joined_is_bound_by_each_others_withdrawal_while_joined() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Bo"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.say("c2", "b@example.com", "withdrawn", "2026-04-01T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1") && !story.allowed("shop:2"));
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Bo", "account": "A1"}));
    story.commit();
    assert!(story.joined("crm:1", "shop:2") && !story.allowed("crm:1"));
    // It was withdrawn before they were together, so that it stays with who withdrew it.
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Bo"}));
    story.commit();
    assert!(story.allowed("crm:1") && !story.allowed("shop:2"));
}

#[test]
fn a_chain_is_bound_by_its_end() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "account": "A1"}));
    story.put("list:3", &json!({"email": "b@example.com"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1"));
    story.put("crm:4", &json!({"email": "c@example.com", "phone": "+353 85 012 3456"}));
    story.put("crm:1", &json!({"email": "a@example.com", "account": "A1", "phone": "+353 85 012 3456"}));
    story.say("c2", "c@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(story.joined("list:3", "crm:4"));
    for name in ["crm:1", "shop:2", "list:3", "crm:4"] {
        assert!(!story.allowed(name), "{name}");
    }
}

#[test]
fn after_a_split_each_part_keeps_what_was_withdrawn_while_together() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Bo", "account": "A1"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1"));
    story.say("c2", "b@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"));
    story.put("shop:2", &json!({"email": "b@example.com", "family": "Bo", "account": "A2"}));
    story.commit();
    assert!(!story.joined("crm:1", "shop:2"));
    assert!(!story.allowed("crm:1") && !story.allowed("shop:2"), "{}", story.why("crm:1"));
    story.again();
    assert!(!story.allowed("crm:1"), "also after a restart");
    // A consent given after that on an identifier of the part lifts it there, and nowhere else.
    story.say("c3", "a@example.com", "given", "2026-05-03T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1") && !story.allowed("shop:2"));
}

#[test]
fn who_gets_another_address_has_not_consented_by_that() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    story.say("c0", "b@example.com", "given", "2026-05-01T00:00:00Z");
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1"));
    story.say("c2", "a@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert_eq!(story.bound(), [1], "one record, which carries the address");
    // The record now carries an address that an older consent was given on.
    story.put("crm:1", &json!({"email": "b@example.com", "family": "Ada"}));
    story.commit();
    assert!(!story.allowed("crm:1") && story.why("crm:1").contains("withdrawn"), "{}", story.why("crm:1"));
    story.again();
    assert!(!story.allowed("crm:1"));
    story.say("c3", "b@example.com", "given", "2026-05-03T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:1"), "a consent given after it lifts it");
}

#[test]
fn permissions_bind_values_and_one_unknown_record_voids_nothing() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.put("list:2", &json!({"email": "b@example.com", "given": "Ada"}));
    story.put("crm:3", &json!({"email": "b@example.com", "family": "Lovelace", "phone": "+353 85 012 3456"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "crm:3"), "a phone joins");
    let shown = story.shown("crm:1").expect("one unknown record voids no consent");
    assert!(shown.iter().all(|value| value.ends_with("crm:1")), "a phone carries no consent: {shown:?}");
    assert!(shown.contains(&"family_name Ada crm:1".to_owned()), "{shown:?}");
    // By an account, which is strong, the consent reaches the others as well.
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "account": "A1"}));
    story.put("crm:3", &json!({"email": "b@example.com", "family": "Lovelace", "account": "A1"}));
    story.commit();
    let shown = story.shown("crm:1").unwrap();
    assert!(shown.contains(&"family_name Lovelace crm:3".to_owned()), "the latest of those permitted: {shown:?}");
}

#[test]
fn the_same_value_counts_where_it_was_consented_to() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.put("crm:2", &json!({"email": "b@example.com", "family": "Ada", "phone": "+353 85 012 3456"}));
    story.commit();
    assert!(story.joined("crm:1", "crm:2"));
    let plain = |story: &Story| {
        let reader = read(story.onefold.as_ref().unwrap());
        let view = reader.profile(story.root("crm:1"), None).unwrap();
        view.values.iter().find(|value| value.attribute == "family_name").unwrap().record.name()
    };
    assert_eq!(plain(&story), "crm:2", "the later one wins as such");
    assert!(story.shown("crm:1").unwrap().contains(&"family_name Ada crm:1".to_owned()), "and the other for marketing");
    // When the record that was consented for goes, so does the value, although the other still has it.
    story.delete("crm:1");
    story.commit();
    assert_eq!(story.shown("crm:2"), None);
}

#[test]
fn an_attacker_can_neither_import_a_grant_nor_impose_a_withdrawal_for_long() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "victim@example.com", "family": "Vic", "phone": "+353 85 012 3456"}));
    story.commit();
    // The attacker claims the victim's number and consents for herself.
    story.put("crm:2", &json!({"email": "mallory@example.com", "family": "Mal", "phone": "+353 85 012 3456"}));
    story.say("m1", "mallory@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert!(story.joined("crm:1", "crm:2"));
    let shown = story.shown("crm:1").unwrap();
    assert!(shown.iter().all(|value| value.ends_with("crm:2")), "nothing of the victim: {shown:?}");
    // The victim consents; the attacker, who had withdrawn before she came, blocks it while they are taken for one.
    let mut story = Story::new();
    story.put("crm:2", &json!({"email": "mallory@example.com", "phone": "+353 85 012 3456"}));
    story.say("m1", "mallory@example.com", "withdrawn", "2026-05-01T00:00:00Z");
    story.commit();
    story.put("crm:1", &json!({"email": "victim@example.com", "phone": "+353 85 012 3456"}));
    story.say("v1", "victim@example.com", "given", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"));
    story.different("crm:1", "crm:2");
    assert!(story.allowed("crm:1") && !story.allowed("crm:2"));
}

#[test]
fn repetitions_and_what_nobody_understands_change_nothing() {
    let mut story = Story::new();
    story.put("crm:1", &json!({"email": "a@example.com", "family": "Ada"}));
    story.say("c1", "a@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.say("c1", "a@example.com", "withdrawn", "2026-05-02T00:00:00Z");
    story.commit();
    assert!(!story.allowed("crm:1"));
    for (key, status) in [("c2", "givn"), ("c3", "widthdrawn"), ("c4", "")] {
        story.say(key, "a@example.com", status, "2026-05-03T00:00:00Z");
    }
    let line = json!({"source": "consents", "event": {
        "id": "c5", "email": "a@example.com", "purpose": "marketting", "status": "given", "at": "2026-05-03T00:00:00Z",
    }});
    push(story.onefold(), &line);
    story.commit();
    assert!(!story.allowed("crm:1"));
    let refused = read(story.onefold()).quarantined_records(10).unwrap().len();
    assert_eq!(refused, 4, "each stands in quarantine");
    // A state that does not permit, of a record that did, ends it.
    story.put("crm:2", &json!({"email": "b@example.com", "family": "Bo"}));
    story.say("d1", "b@example.com", "given", "2026-05-03T00:00:00Z");
    story.commit();
    assert!(story.allowed("crm:2"));
    for status in ["expired", "requested", "invalidated", "refused", "revoked", "unknown"] {
        story.say("d1", "b@example.com", "renewed", "2026-05-03T00:00:00Z");
        story.commit();
        assert!(story.allowed("crm:2"), "renewed after it was ended");
        story.say("d1", "b@example.com", status, "2026-05-04T00:00:00Z");
        story.commit();
        assert!(!story.allowed("crm:2"), "{status}");
    }
}

pub(super) const GOVERNED: &str = r#"
combining = "unified"

[[purpose]]
name = "marketing"
dpv = "dpv:Marketing"
description = "Offers by e-mail."
basis = "consent"
categories = ["contact", "identity"]
recipients = ["us"]
retention_days = 30

[[purpose]]
name = "unified"
dpv = "dpv:CustomerManagement"
description = "One customer is one customer"
basis = "legitimate_interest"
categories = []
recipients = ["us"]
"#;

pub(super) const UNIFIED: &str = r#"
@id("unified") @law("Art. 6(1)(f) GDPR")
permit (principal == Purpose::"unified", action == Action::"combine", resource);
"#;

/// Under policies that govern combining as well, and with a retention.
fn governed() -> Story {
    let files = bundle().files;
    let decide = files.iter().find(|(name, _)| name == "decide.cedar").map(|(_, text)| format!("{text}{UNIFIED}"));
    Story::with(&[("purposes.toml", GOVERNED), ("decide.cedar", &decide.unwrap())])
}

#[test]
fn combining_needs_its_own_basis() {
    let mut story = governed();
    story.put("crm:1", &json!({"email": "a@example.com", "account": "A1"}));
    story.put("shop:2", &json!({"email": "b@example.com", "account": "A1"}));
    story.commit();
    assert!(story.joined("crm:1", "shop:2"));
    let object = |story: &mut Story, status: &str, at: &str| {
        let line = json!({"source": "consents", "event": {
            "id": "o1", "email": "b@example.com", "purpose": "unified", "status": status, "at": at,
        }});
        push(story.onefold(), &line);
        story.commit();
    };
    object(&mut story, "objected", "2026-05-01T00:00:00Z");
    assert!(!story.joined("crm:1", "shop:2"), "the profile comes apart");
    story.again();
    assert!(!story.joined("crm:1", "shop:2"));
    object(&mut story, "given", "2026-05-02T00:00:00Z");
    assert!(story.joined("crm:1", "shop:2"), "and joins again");
}

#[test]
fn what_is_kept_too_long_is_not_used() {
    let mut story = governed();
    // The list has no times of its own: what it says is kept from when it came.
    story.put("list:1", &json!({"email": "a@example.com", "given": "Ada"}));
    story.say("c1", "a@example.com", "given", "2026-05-01T00:00:00Z");
    story.commit();
    assert_eq!(story.shown("list:1").map(|shown| shown.len()), Some(2));
    story.set(NOW + 30 * DAY - 1);
    story.commit();
    assert!(story.allowed("list:1"));
    story.set(NOW + 30 * DAY);
    assert!(!story.allowed("list:1"), "a reader does not wait for the tick");
    story.commit();
    assert!(!story.allowed("list:1"));
    assert!(story.why("list:1").contains("may be kept"), "{}", story.why("list:1"));
    // What is newer is used; the old value does not come back with it.
    story.put("crm:2", &json!({"email": "a@example.com", "family": "Ada"}));
    story.commit();
    assert!(!story.allowed("list:1"), "an event of 2023 is no newer");
}
