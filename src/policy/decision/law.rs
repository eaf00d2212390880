//! What no bundle may allow: the invariants that are always checked, each with its law.
//!
//! They are stricter than the law where the law asks for a judgement that a program can't make; each says so. They hold
//! whatever categories `purposes.toml` names, so that adding one to a purpose later breaks none.
//!
//! INVARIANT: the libraries `gdpr` and `ccpa` together keep all of them, for any purposes; a test says so.

use super::invariants::{Condition, Invariant, is_within, purposes_where};
use super::space::{CATEGORIES, COMBINE};
use crate::model::{Basis, Category, Purpose};

const CHILD: [&str; 2] = ["under_13", "13_to_15"];

/// The invariants for these purposes.
pub(super) fn invariants(purposes: &[Purpose]) -> Vec<Invariant> {
    let mut found = persons(purposes);
    found.extend(data(purposes));
    found.extend(children(purposes));
    found.extend(california(purposes));
    found
}

fn never(name: &str, law: &str, purposes: u64, subjects: u32, when: Vec<Condition>) -> Invariant {
    Invariant { name: name.to_owned(), law: law.to_owned(), of_bundle: false, purposes, subjects, when }
}

/// The bits of the categories that are so.
fn categories_where(is: fn(Category) -> bool) -> u32 {
    Category::ALL.into_iter().filter(|category| is(*category)).map(Category::bit).fold(0, |a, b| a | b)
}

/// What people said themselves.
fn persons(purposes: &[Purpose]) -> Vec<Invariant> {
    let all = purposes_where(purposes, |_| true);
    let consent = purposes_where(purposes, |purpose| purpose.basis == Basis::Consent);
    let objectable = purposes_where(purposes, |purpose| {
        matches!(purpose.basis, Basis::Consent | Basis::PublicInterest | Basis::LegitimateInterest)
    });
    let marketing = purposes_where(purposes, |purpose| is_within(purpose, "Marketing"));
    let everything = CATEGORIES | COMBINE;
    let flag = |name: &str| vec![Condition::default().flag(name, true)];
    vec![
        never(
            "what rests on consent is never allowed without a valid one",
            "Art. 6(1)(a) GDPR",
            consent,
            everything,
            vec![Condition::default().valid(false)],
        ),
        never(
            "what rests on consent is never allowed once it was withdrawn",
            "Art. 7(3) GDPR",
            consent,
            everything,
            flag("withdrawn"),
        ),
        // There is no right to object to what a contract, the law or somebody's life asks for. To what rests on consent
        // there is none either, but who objects means to withdraw.
        never(
            "what rests on consent, public or legitimate interest is never allowed against an objection",
            "Art. 21(1) GDPR",
            objectable,
            everything,
            flag("objected"),
        ),
        never(
            "marketing is never allowed against an objection",
            "Art. 21(2) and (3) GDPR",
            marketing,
            everything,
            flag("objected"),
        ),
        // Art. 18(2) leaves uses by consent, for legal claims and for others' rights, which are a person's to decide.
        never("nothing is ever allowed while restricted", "Art. 18 GDPR", all, everything, flag("restricted")),
    ]
}

/// What the data are.
fn data(purposes: &[Purpose]) -> Vec<Invariant> {
    let all = purposes_where(purposes, |_| true);
    let not_official =
        purposes_where(purposes, |purpose| !matches!(purpose.basis, Basis::LegalObligation | Basis::PublicInterest));
    vec![
        never(
            "nothing is ever used that is kept too long",
            "Art. 5(1)(e) GDPR",
            all,
            CATEGORIES,
            vec![Condition::default().flag("retained", false)],
        ),
        // Art. 9(2)(b) to (j) depend on who the controller is.
        never(
            "special categories are never used without explicit consent",
            "Art. 9(1) and (2)(a) GDPR",
            all,
            categories_where(Category::is_special),
            vec![Condition::default().valid(false), Condition::default().flag("explicit", false)],
        ),
        never(
            "convictions are never used but by legal obligation or in the public interest",
            "Art. 10 GDPR",
            not_official,
            Category::Criminal.bit(),
            vec![Condition::default()],
        ),
    ]
}

/// Children; whose age is not known is one.
fn children(purposes: &[Purpose]) -> Vec<Invariant> {
    let within = |term: &'static str| purposes_where(purposes, move |purpose| is_within(purpose, term));
    let consent = purposes_where(purposes, |purpose| purpose.basis == Basis::Consent);
    let everything = CATEGORIES | COMBINE;
    let child = || Condition::default().one_of("age", &CHILD);
    vec![
        never(
            "a child's own consent never counts: under 13 anywhere, under 16 outside of the United Kingdom and California",
            "Art. 8(1) GDPR",
            consent,
            everything,
            vec![
                Condition::default().one_of("age", &["under_13"]).flag("parental", false),
                Condition::default()
                    .one_of("age", &["13_to_15"])
                    .one_of("regime", &["eu", "unknown", "other"])
                    .flag("parental", false),
            ],
        ),
        never(
            "children under 16 are never marketed to",
            "Recital 38 GDPR; Art. 28(2) Regulation (EU) 2022/2065",
            within("Marketing"),
            everything,
            vec![child()],
        ),
        never(
            "children under 16 are never profiled for recommendations",
            "Recital 71 GDPR",
            within("ProvidePersonalisedRecommendations"),
            everything,
            vec![child()],
        ),
        never(
            "data of children under 16 are never sold, but in California on their own or under 13 their parents' opt-in",
            "Recital 38 GDPR; Cal. Civ. Code 1798.120(c)",
            within("SellDataToThirdParties"),
            everything,
            vec![
                child().one_of("regime", &["eu", "uk", "other", "unknown"]),
                child().valid(false),
                Condition::default().one_of("age", &["under_13"]).flag("parental", false),
            ],
        ),
    ]
}

/// What California adds, where its law governs and where it is not known which one does. Nothing here asks on what basis.
fn california(purposes: &[Purpose]) -> Vec<Invariant> {
    let within = |term: &'static str| purposes_where(purposes, move |purpose| is_within(purpose, term));
    // DPV has one term for selling and sharing.
    let selling = within("SellDataToThirdParties");
    let everything = CATEGORIES | COMBINE;
    let there = || Condition::default().one_of("regime", &["us_ca", "unknown"]);
    vec![
        never(
            "nothing is ever sold or shared after an opt-out in California, or where the law is unknown",
            "Cal. Civ. Code 1798.120(a) and (d)",
            selling,
            everything,
            vec![there().flag("withdrawn", true), there().flag("objected", true)],
        ),
        never(
            "nothing is ever sold against a Global Privacy Control signal in California, or where the law is unknown",
            "Cal. Civ. Code 1798.135(e)",
            selling,
            everything,
            vec![there().flag("gpc", true)],
        ),
        never(
            "advertising is never personalised against a Global Privacy Control signal in California, or where the law is \
             unknown",
            "Cal. Civ. Code 1798.120(a); 11 CCR 7025(b)",
            within("PersonalisedAdvertising"),
            everything,
            vec![there().flag("gpc", true)],
        ),
        // The law lets people limit such uses; whether they may go on until then is a judgement.
        never(
            "sensitive data are never sold without explicit consent in California, or where the law is unknown",
            "Cal. Civ. Code 1798.121(a)",
            selling,
            categories_where(Category::is_sensitive),
            vec![there().valid(false), there().flag("explicit", false)],
        ),
    ]
}
