//! The same history without a restart, with restarts, with an index that lags behind, and from the ledger alone.

use super::{Story, rules, statement};
use crate::ledger_faults::copy;
use crate::support::{DAY, NOW, event, export, push, remove_patiently};
use onefold::model::Ruling;
use onefold::pipeline::{Mark, Rectified, Table};
use proptest::prelude::*;
use serde_json::{Value, json};

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8, u8, u8, u8, u8),
    Delete(u8, u8),
    /// key, on (0..4 email, 4..7 account), purposes, status, day, until
    Say(u8, u8, u8, u8, i8, Option<u8>),
    Wait(u8),
    Commit,
    Restart,
    Keep,
    Lag,
    Mark(u8, u8, u8, bool),
    Rectify(u8, u8, u8, bool),
    Different(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..2u8, 0..4u8, 0..5u8, 0..4u8, 0..3u8, 0..3u8).prop_map(|(a, b, c, d, e, f)| Step::Put(a, b, c, d, e, f)),
        1 => (0..2u8, 0..4u8).prop_map(|(a, b)| Step::Delete(a, b)),
        6 => (0..5u8, 0..7u8, 1..8u8, 0..5u8, -20..20i8, proptest::option::of(0..40u8)).prop_map(|(a, b, c, d, e, f)| Step::Say(a, b, c, d, e, f)),
        3 => (1..15u8).prop_map(Step::Wait),
        6 => Just(Step::Commit),
        3 => Just(Step::Restart),
        1 => Just(Step::Keep),
        1 => Just(Step::Lag),
        1 => (0..2u8, 0..4u8, 0..4u8, any::<bool>()).prop_map(|(a, b, c, d)| Step::Mark(a, b, c, d)),
        1 => (0..2u8, 0..4u8, 0..3u8, any::<bool>()).prop_map(|(a, b, c, d)| Step::Rectify(a, b, c, d)),
        1 => (0..4u8, 0..4u8).prop_map(|(a, b)| Step::Different(a, b)),
    ]
}

fn name(source: u8, key: u8) -> String {
    format!("{}:{key}", ["crm", "shop"][usize::from(source)])
}

fn day(n: i64) -> String {
    jiff::Timestamp::from_second(i64::from(NOW) + n * i64::from(DAY)).unwrap().to_string()
}

fn tables(story: &Story) -> Vec<String> {
    [Table::Members, Table::Profiles, Table::Consents].map(|t| export(story.onefold.as_ref().unwrap(), t)).to_vec()
}

/// What is seen after a commit: the tables, the tick, and when the next is due.
type Seen = (Vec<String>, Option<i64>, Option<i64>);

fn run(steps: &[Step], restarts: bool, mut story: Story) -> (Story, Vec<Seen>) {
    let (mut now, mut seen) = (NOW, Vec::new());
    let mut kept = false;
    for step in steps.iter().chain([&Step::Commit]) {
        match step {
            Step::Put(s, k, email, account, city, phone) => {
                let city = ["Berlin", "Cork", "Paris"][usize::from(*city)];
                let mut row = json!({"family": "Ada", "city": city});
                if *email < 4 {
                    row["email"] = json!(format!("p{email}@example.com"));
                }
                if *account < 3 {
                    row["account"] = json!(format!("A{account}"));
                }
                if *phone < 2 && *s == 0 {
                    row["phone"] = json!(format!("+4915112345{phone}00"));
                }
                story.put(&name(*s, *k), &row);
            }
            Step::Delete(s, k) => {
                story.log += 1;
                let line = event(["crm", "shop"][usize::from(*s)], &k.to_string(), None, story.log);
                push(story.onefold(), &line);
            }
            Step::Say(key, on, purposes, status, at, until) => {
                let on = if *on < 4 {
                    json!({"email": format!("p{on}@example.com")})
                } else {
                    json!({"account": format!("A{}", on - 4)})
                };
                let all: Vec<&str> = ["marketing", "analytics", "unified"]
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| purposes >> n & 1 == 1)
                    .map(|(_, p)| *p)
                    .collect();
                let status = ["given", "given", "withdrawn", "objected", "refused"][usize::from(*status)];
                let mut event: Value = on;
                event["id"] = json!(format!("c{key}"));
                event["purpose"] = json!(all);
                event["status"] = json!(status);
                event["at"] = json!(day(i64::from(now - NOW) / i64::from(DAY) + i64::from(*at)));
                event["until"] = json!(until.map(|n| day(i64::from(now - NOW) / i64::from(DAY) + i64::from(n))));
                push(story.onefold(), &json!({"source": "consents", "event": event}));
            }
            Step::Wait(n) => {
                now += u32::from(*n) * DAY;
                story.set(now);
            }
            Step::Commit => {
                story.commit();
                let (tick, due) = (story.onefold().tick(), story.onefold().due_us());
                seen.push((tables(&story), tick, due));
                let audit = story.onefold().finder().unwrap().audit(|_| {}).unwrap();
                assert_eq!(audit.breaches, []);
            }
            // Opening commits what was taken.
            Step::Restart => {
                story.commit();
                if restarts {
                    story.again();
                }
            }
            Step::Keep => {
                story.commit();
                if restarts {
                    drop(story.onefold.take());
                    let _ = std::fs::remove_dir_all(story.folder.path().join("kept"));
                    copy(&story.folder.path().join("data/index"), &story.folder.path().join("kept"));
                    kept = true;
                    story.again();
                }
            }
            Step::Lag => {
                story.commit();
                if restarts && kept {
                    drop(story.onefold.take());
                    let index = story.folder.path().join("data/index");
                    remove_patiently(&index);
                    copy(&story.folder.path().join("kept"), &index);
                    story.again();
                }
            }
            Step::Mark(s, k, what, came) => {
                story.commit();
                let Ok(roots) = story.onefold().finder().unwrap().profiles_of(&name(*s, *k)) else { continue };
                let Some(root) = roots.first().copied() else { continue };
                let purpose = |n: &str| story.onefold.as_ref().unwrap().schema().purpose(n);
                let mark = match what {
                    0 => Mark::Restriction,
                    1 => Mark::Objection(None),
                    2 => Mark::Objection(purpose("marketing")),
                    _ => Mark::Objection(purpose("unified")),
                };
                let _ = if *came {
                    story.onefold().set_mark(root, mark, &statement()).map(|_| ())
                } else {
                    story.onefold().end_mark(root, mark, &statement()).map(|_| ())
                };
            }
            Step::Rectify(s, k, city, came) => {
                story.commit();
                let Ok(roots) = story.onefold().finder().unwrap().profiles_of(&name(*s, *k)) else { continue };
                let Some(root) = roots.first().copied() else { continue };
                let attribute = story.onefold().schema().attribute("city").unwrap();
                let city = ["Rome", "Berlin", "Cork"][usize::from(*city)];
                let _ = if *came {
                    story.onefold().rectify(root, None, attribute, Rectified::Value(city), &statement()).map(|_| ())
                } else {
                    story.onefold().end_rectification(root, attribute, &statement()).map(|_| ())
                };
            }
            Step::Different(a, b) => {
                story.commit();
                let finder = story.onefold().finder().unwrap();
                let (Ok(a), Ok(b)) = (finder.record(&name(0, *a)), finder.record(&name(1, *b))) else { continue };
                let ruling = Ruling::different(a, b);
                let _ = story.onefold().decide(ruling, &statement());
                story.commit();
            }
        }
    }
    (story, seen)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, max_shrink_iters: 600, ..ProptestConfig::default() })]
    #[test]
    fn restarts_change_nothing(steps in proptest::collection::vec(step(), 1..40)) {
        let (mut one, plain) = run(&steps, false, Story::under(rules()));
        let (mut two, restarted) = run(&steps, true, Story::like(rules(), Some(&one)));
        for (n, (a, b)) in plain.iter().zip(&restarted).enumerate() {
            prop_assert_eq!(a, b, "at commit {}", n);
        }
        for story in [&mut one, &mut two] {
            story.rebuild();
            let (tick, due) = (story.onefold().tick(), story.onefold().due_us());
            prop_assert_eq!(&(tables(story), tick, due), plain.last().unwrap(), "rebuilt");
        }
    }
}
