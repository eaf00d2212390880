//! Goal: the rules of decision hold, and each decision cites what determined it.
//! Method: single cells of the retail bundle and of small ones, with the expected reason and policies; the table is compared
//! with Cedar.

use super::cedar::shop;
use super::retail;
use onefold::model::{AgeBand, Basis, Category, Circumstances, ConsentState, Context, PurposeId, Regime};
use onefold::policy::Bundle;
use onefold::policy::decision::{Decider, Reason};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// An adult in Europe who consented.
pub const GOOD: Circumstances = Circumstances {
    consent: ConsentState::Given,
    age: AgeBand::Adult,
    regime: Regime::Eu,
    explicit: false,
    parental: false,
    withdrawn: false,
    objected: false,
    restricted: false,
    gpc: false,
    retained: true,
};

fn decider(changed: &[(&str, &str)]) -> Decider {
    Bundle::compile(shop(changed)).unwrap_or_else(|problems| panic!("{problems}")).decider()
}

/// Checks the reason and the policies of a decision.
fn check(decider: &Decider, purpose: &str, category: Category, of: Circumstances, reason: Reason, by: &[&str]) {
    let purpose = decider.purpose(purpose).expect("declared");
    let context = Context::new(of);
    let verdict = decider.verdict(purpose, category, context);
    let ids: Vec<&str> = verdict.policies.iter().map(|policy| policy.id.as_str()).collect();
    assert_eq!((verdict.reason, ids.as_slice()), (reason, by), "{}", verdict.sentence());
    assert!(verdict.policies.iter().all(|policy| !policy.law.is_empty() && !policy.file.is_empty()));
    assert_eq!(verdict.allowed, reason == Reason::Permitted);
    assert_eq!(decider.categories(purpose, context) & category.bit() != 0, verdict.allowed);
}

#[test]
fn a_decider_is_shared_among_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let shop = decider(&[]);
    shared(&shop);
    shared(&shop.table());
}

#[test]
fn rules_of_the_shop() {
    use Category::{Behaviour, Contact, Health, Identity};
    let shop = decider(&[]);
    let check = |purpose, category, of, reason, by: &[&str]| check(&shop, purpose, category, of, reason, by);
    check("marketing", Contact, GOOD, Reason::Permitted, &["gdpr-consent"]);
    check(
        "marketing",
        Contact,
        Circumstances::default(),
        Reason::Forbidden,
        &["gdpr-child-consent", "gdpr-child-marketing", "gdpr-storage-limitation"],
    );
    check("marketing", Health, GOOD, Reason::NotDeclared, &[]);
    check("analytics", Identity, GOOD, Reason::NotDeclared, &[]);
    for (state, valid) in ConsentState::ALL.map(|state| (state, state.is_valid())) {
        let (reason, by): (_, &[&str]) =
            if valid { (Reason::Permitted, &["gdpr-consent"]) } else { (Reason::DefaultDeny, &[]) };
        check("analytics", Behaviour, Circumstances { consent: state, ..GOOD }, reason, by);
    }
    let forbidden = [
        (Circumstances { withdrawn: true, ..GOOD }, "gdpr-withdrawn"),
        (Circumstances { objected: true, ..GOOD }, "gdpr-objected"),
        (Circumstances { restricted: true, ..GOOD }, "gdpr-restricted"),
        (Circumstances { retained: false, ..GOOD }, "gdpr-storage-limitation"),
        (Circumstances { age: AgeBand::From13To15, ..GOOD }, "gdpr-child-consent"),
    ];
    for (of, by) in forbidden {
        check("analytics", Behaviour, of, Reason::Forbidden, &[by]);
    }
    let gpc = Circumstances { gpc: true, ..GOOD };
    check("sharing_with_partners", Contact, gpc, Reason::Permitted, &["gdpr-consent"]);
    for regime in [Regime::UsCalifornia, Regime::Unknown] {
        let of = Circumstances { regime, ..gpc };
        check("sharing_with_partners", Contact, of, Reason::Forbidden, &["ccpa-gpc-selling"]);
        check("marketing", Contact, of, Reason::Permitted, &["gdpr-consent"]);
    }
}

#[test]
fn special_categories_need_explicit_consent() {
    let purposes = retail().into_iter().find(|(name, _)| name == "purposes.toml").expect("there").1;
    let purposes = purposes.replace("\"behaviour\", \"location\"]", "\"behaviour\", \"location\", \"health\"]");
    let shop = decider(&[("purposes.toml", &purposes)]);
    check(&shop, "analytics", Category::Health, GOOD, Reason::Forbidden, &["gdpr-special-categories"]);
    let explicit = Circumstances { explicit: true, ..GOOD };
    check(&shop, "analytics", Category::Health, explicit, Reason::Permitted, &["gdpr-consent"]);
}

#[test]
fn joining_is_decided_too() {
    let shop = decider(&[]);
    let nothing = Context::new(Circumstances { retained: true, ..Circumstances::default() });
    assert!(shop.combines(nothing));
    let objected = Context::new(Circumstances { objected: true, ..GOOD });
    let verdict = shop.combining_verdict(objected).expect("governed");
    assert_eq!((verdict.allowed, verdict.policies.len()), (false, 1));
    assert!(!shop.combines(objected) && !shop.combines(Context::new(Circumstances { restricted: true, ..GOOD })));
    // A bundle that does not govern it allows it.
    assert!(Bundle::compile(onefold::policy::contacts()).expect("it compiles").decider().combines(objected));
}

/// Cedar passes over a policy that fails: a `forbid` that did would allow.
const FAILING: &str =
    "@id(\"failing\") @law(\"x\")\nforbid (principal, action, resource) when { 9223372036854775807 + 1 < 0 };";

#[test]
fn a_forbid_that_fails_denies() {
    let shop = decider(&[("own.cedar", FAILING)]);
    let purpose = shop.purpose("marketing").expect("declared");
    let verdict = shop.verdict(purpose, Category::Contact, Context::new(GOOD));
    assert!(!verdict.allowed && verdict.errored() && verdict.reason == Reason::Errored, "{}", verdict.sentence());
    assert_eq!(shop.categories(purpose, Context::new(GOOD)), 0);
    assert!(!shop.combines(Context::new(GOOD)));
    let table = shop.table();
    assert!(Context::all().all(|context| table.categories(purpose, context) == 0 && !table.combines(context)));
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_policy_that_fails_is_logged_as_an_error() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let shop = decider(&[("own.cedar", FAILING)]);
    let purpose = shop.purpose("marketing").expect("declared");
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..2 {
            shop.categories(purpose, Context::new(GOOD));
        }
        decider(&[]).categories(purpose, Context::new(GOOD));
    });
    let text = String::from_utf8(log.0.lock().unwrap().clone()).expect("a log is UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let declared = shop.purposes()[usize::from(purpose.0)].categories.len();
    assert_eq!(lines.len(), declared, "one for each category, once: a decision is remembered\n{text}");
    for line in lines {
        for part in ["ERROR", "a policy failed, so the use is denied", "failing", "overflow"] {
            assert!(line.contains(part), "no `{part}` in: {line}");
        }
    }
}

#[test]
fn the_table_says_what_cedar_says() {
    let shop = decider(&[]);
    let table = shop.table();
    for context in Context::all().step_by(397) {
        for purpose in (0..6).map(PurposeId) {
            assert_eq!(
                table.categories(purpose, context),
                shop.categories(purpose, context),
                "{purpose:?} {context:?}"
            );
        }
        assert_eq!(table.combines(context), shop.combines(context));
    }
    assert_eq!(table.categories(PurposeId(6), Context::new(GOOD)), 0);
    assert!(table.allows(PurposeId(0), Category::Contact, Context::new(GOOD)));
    assert_eq!(shop.decided(), Context::all().step_by(397).count() * 6);
}

#[test]
fn a_purpose_says_on_what_it_rests() {
    let purposes = "combining = \"joined\"\n[[purpose]]\nname = \"joined\"\ndpv = \"dpv:CustomerManagement\"\n\
        description = \"x\"\nbasis = \"legitimate_interest\"\ncategories = []\nrecipients = [\"us\"]\n\
        [[purpose]]\nname = \"tax\"\ndpv = \"dpv:LegalCompliance\"\ndescription = \"x\"\nbasis = \"legal_obligation\"\n\
        categories = [\"transaction\", \"identity\"]\nrecipients = [\"us\"]\nretention_days = 10\n\
        [purpose.retention_days_by_category]\ntransaction = 3650\n";
    let files = [
        ("purposes.toml", purposes),
        ("bundle.toml", "name = \"c\"\nversion = \"1\"\ndescription = \"x\"\nuse = \"gdpr\""),
    ];
    let bundle = Bundle::compile(super::with(&files)).unwrap_or_else(|problems| panic!("{problems}"));
    let tax = &bundle.schema.purposes[1];
    assert_eq!((tax.basis, bundle.schema.combining), (Basis::LegalObligation, Some(PurposeId(0))));
    assert_eq!(tax.retention_days_of(Category::Transaction), Some(3650));
    assert_eq!(tax.retention_days_of(Category::Identity), Some(10));
    let decider = bundle.decider();
    // What the law asks for is not ended by an objection; what nobody weighed is not permitted.
    let objected = Circumstances { objected: true, consent: ConsentState::Unknown, ..GOOD };
    check(&decider, "tax", Category::Identity, objected, Reason::Permitted, &["gdpr-legal-obligation"]);
    assert!(!decider.combines(Context::new(GOOD)));

    let lines = |text: &str| -> Vec<String> {
        let problems = Bundle::compile(super::with(&[("purposes.toml", text)])).expect_err("broken");
        problems.iter().map(ToString::to_string).collect()
    };
    let broken =
        purposes.replace("combining = \"joined\"", "combining = \"joint\"").replace("transaction = 3650", "health = 0");
    assert_eq!(
        lines(&broken),
        [
            "purposes.toml:1:13: unknown purpose `joint`",
            "purposes.toml:7:14: `categories` is empty",
            "purposes.toml:18:1: the purpose does not use category `health`",
            "purposes.toml:18:10: `health` is 0, which is out of bounds",
        ]
    );
}
