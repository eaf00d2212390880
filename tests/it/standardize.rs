//! Standardising as a whole: tables of (input, expected) for each semantic, records with several fields, consents.
//!
//! Goal: every value comes out in its one canonical form or with the right reason, nothing panics, and what has been
//! standardised once stays as it is.

use onefold::model::{
    Attribute, AttributeId, Category, CellKind, ConsentField, ConsentState, FieldIndex, FieldRole, Fields, Format,
    IdentifierKind, Purpose, PurposeId, Role, Schema, Semantic, Source, SourceField, SourceId, Timestamp,
};
use onefold::standardize::{Consent, ConsentProblem, Reason, Standardized, Standardizer};
use proptest::prelude::*;
use std::sync::Arc;

/// An attribute for each semantic.
pub(crate) const SEMANTICS: [(&str, Semantic); 18] = [
    ("email", Semantic::Email),
    ("phone", Semantic::Phone),
    ("given_name", Semantic::GivenName),
    ("family_name", Semantic::FamilyName),
    ("full_name", Semantic::FullName),
    ("date_of_birth", Semantic::Date),
    ("seen_at", Semantic::Time),
    ("country", Semantic::Country),
    ("street", Semantic::Street),
    ("city", Semantic::City),
    ("postcode", Semantic::Postcode),
    ("account_id", Semantic::Opaque),
    ("handle", Semantic::Handle),
    ("domain", Semantic::Domain),
    ("note", Semantic::Text),
    ("count", Semantic::Integer),
    ("amount", Semantic::Decimal),
    ("active", Semantic::Boolean),
];

fn source(name: &str, fields: Vec<(String, FieldRole)>) -> Source {
    Source {
        name: name.to_owned(),
        files: vec![],
        format: Format::Ndjson,
        role: Role::People,
        key: vec!["id".to_owned()],
        accumulate: false,
        time: None,
        order: None,
        trust: 50,
        trust_half_life_days: None,
        region: None,
        single: false,
        fields: fields.into_iter().map(|(path, role)| SourceField { path, role }).collect(),
        embedded_consents: None,
    }
}

/// A schema with one attribute for each semantic and these (field, attribute) in its only source.
pub(crate) fn schema(fields: &[(&str, &str)]) -> Schema {
    let attribute = |name: &str, semantic| Attribute { name: name.to_owned(), semantic, category: Category::Identity };
    let mut schema = Schema {
        attributes: SEMANTICS.iter().map(|(name, semantic)| attribute(name, *semantic)).collect(),
        ..Schema::default()
    };
    schema.attributes.push(attribute("name_suffix", Semantic::Text));
    for name in ["email", "phone", "account_id"] {
        schema.kinds.push(IdentifierKind {
            name: name.to_owned(),
            attribute: schema.attribute(name).expect("one of SEMANTICS"),
            priority: 50,
            records_max: 10,
            names_max: 0,
            unique: false,
            weak: Vec::new(),
            blocked: vec![],
        });
    }
    let roles = fields.iter().map(|(path, name)| {
        (
            path.to_string(),
            FieldRole::Attribute(schema.attribute(name).unwrap_or_else(|| panic!("no attribute {name}"))),
        )
    });
    schema.sources = vec![source("people", roles.collect())];
    schema
}

/// One field, and a country in front of it that may be empty.
pub(crate) struct Single {
    standardizer: Standardizer,
    attribute: AttributeId,
    out: Standardized,
}

impl Single {
    pub(crate) fn new(name: &str) -> Self {
        let schema = Arc::new(schema(&[("country", "country"), ("value", name)]));
        let attribute = schema.attribute(name).expect("one of SEMANTICS");
        Self { standardizer: Standardizer::new(&schema), attribute, out: Standardized::default() }
    }

    pub(crate) fn read(&mut self, kind: CellKind, raw: &str, country: &str) -> Result<String, Option<Reason>> {
        let mut fields = Fields::default();
        if !country.is_empty() {
            fields.push(FieldIndex(0), CellKind::Text, country);
        }
        fields.push(FieldIndex(1), kind, raw);
        self.standardizer.record(SourceId(0), &fields, &mut self.out);
        let (values, text, issues) = self.out.parts();
        let again = Standardized::from_parts(values.to_vec(), text.to_owned(), issues.to_vec());
        assert_eq!(again.as_ref(), Some(&self.out), "parts");
        let value = self.out.values().find(|(a, field, _)| *a == self.attribute && *field == FieldIndex(1));
        match value {
            Some((_, _, text)) => {
                assert!(!text.is_empty() && text.len() <= 1024, "size");
                Ok(text.to_owned())
            }
            None => Err(self.out.issues().iter().find(|issue| issue.field == FieldIndex(1)).map(|issue| issue.reason)),
        }
    }

    fn check(&mut self, raw: &str, country: &str, expected: Result<&str, Reason>) {
        let expected = expected.map(str::to_owned).map_err(Some);
        assert_eq!(self.read(CellKind::Text, raw, country), expected, "{raw:?} in {country:?}");
    }
}

#[test]
fn given_and_family_names() {
    let mut given = Single::new("given_name");
    for (raw, expected) in [
        ("Ada", "Ada"),
        ("  ada ", "Ada"),
        ("ADA", "Ada"),
        ("A.", "A."),
        ("a.", "A."),
        ("Dr. Ada", "Ada"),
        ("Mrs Ada Jr", "Ada"),
        ("JEAN-LUC", "Jean-Luc"),
        ("Jean - Luc", "Jean-Luc"),
        ("JP", "Jp"),
        ("Jose\u{301}", "José"),
        ("SIOBHÁN", "Siobhán"),
        ("Ad\u{200b}a\u{202e}", "Ada"),
        ("Don", "Don"),
        ("Nan", "Nan"),
        ("Na", "Na"),
        ("María José", "María José"),
        ("美雪", "美雪"),
    ] {
        given.check(raw, "", Ok(expected));
    }
    for (raw, reason) in [
        ("null", Reason::Placeholder),
        ("NULL", Reason::Placeholder),
        ("n/a", Reason::Placeholder),
        ("NA", Reason::Placeholder),
        ("None", Reason::Placeholder),
        ("-", Reason::Placeholder),
        ("xxx", Reason::Placeholder),
        ("Test", Reason::Placeholder),
        ("\u{200b}", Reason::Placeholder),
        ("Dr.", Reason::NameIsTitle),
        ("Mrs", Reason::NameIsTitle),
        ("12345", Reason::NameWithoutLetters),
        ("🙂", Reason::NameWithoutLetters),
        ("ada@example.com", Reason::NameIsAddress),
        ("https://example.com", Reason::NameIsAddress),
        ("<b>Ada</b>", Reason::NameIsAddress),
    ] {
        given.check(raw, "", Err(reason));
    }
    let mut family = Single::new("family_name");
    for (raw, expected) in [
        ("LOVELACE", "Lovelace"),
        ("deVries", "deVries"),
        ("OBrien", "OBrien"),
        ("o’brien", "O'Brien"),
        ("MCCARTHY", "McCarthy"),
        ("macdonald", "MacDonald"),
        ("VAN DER BERG", "van der Berg"),
        ("de la Cruz", "de la Cruz"),
        ("VAN", "Van"),
        ("Smith Jr.", "Smith"),
        ("Smith, III", "Smith"),
        ("Smith PhD", "Smith"),
        ("Null", "Null"),
        ("Lord", "Lord"),
        ("ÖZTÜRK", "Öztürk"),
        ("SMITH-JONES", "Smith-Jones"),
        ("MA", "Ma"),
    ] {
        family.check(raw, "", Ok(expected));
    }
}

#[test]
fn full_names_and_their_parts() {
    let schema = Arc::new(schema(&[("name", "full_name"), ("country", "country")]));
    let mut standardizer = Standardizer::new(&schema);
    let mut out = Standardized::default();
    let mut check = |raw: &str, country: &str, expected: [&str; 4]| {
        let mut fields = Fields::default();
        fields.push(FieldIndex(0), CellKind::Text, raw);
        fields.push(FieldIndex(1), CellKind::Text, country);
        standardizer.record(SourceId(0), &fields, &mut out);
        let found = ["full_name", "given_name", "family_name", "name_suffix"]
            .map(|name| out.first(schema.attribute(name).unwrap()).unwrap_or("").to_owned());
        assert_eq!(found, expected, "{raw} in {country}");
    };
    check("Ada Lovelace", "GB", ["Ada Lovelace", "Ada", "Lovelace", ""]);
    check("ADA LOVELACE", "GB", ["Ada Lovelace", "Ada", "Lovelace", ""]);
    check("A. Lovelace", "GB", ["A. Lovelace", "A.", "Lovelace", ""]);
    check("Lovelace, Ada", "GB", ["Ada Lovelace", "Ada", "Lovelace", ""]);
    check("Dr. Ada King Lovelace", "GB", ["Ada King Lovelace", "Ada", "Lovelace", ""]);
    check("John Smith, Jr.", "US", ["John Smith Jr", "John", "Smith", "Jr"]);
    check("Smith, John III", "US", ["John Smith III", "John", "Smith", "III"]);
    check("Robert \"Bob\" Lee", "US", ["Robert Lee", "Robert", "Lee", ""]);
    check("Guido van Rossum", "NL", ["Guido van Rossum", "Guido", "van Rossum", ""]);
    check("LUDWIG VAN DER ROHE", "DE", ["Ludwig van der Rohe", "Ludwig", "van der Rohe", ""]);
    check("Lucía Fernández Rossi", "ES", ["Lucía Fernández Rossi", "", "", ""]);
    check("Lucía Fernández", "ES", ["Lucía Fernández", "Lucía", "Fernández", ""]);
    check("Ann and Bob Lee", "US", ["Ann and Bob Lee", "", "", ""]);
    check("Madonna", "US", ["Madonna", "", "", ""]);
    check("王 伟", "CN", ["王 伟", "", "", ""]);
    check("Unknown Unknown", "US", ["", "", "", ""]);
    check("Ada L.", "GB", ["Ada L.", "", "", ""]);
}

#[test]
fn dates() {
    let mut date = Single::new("date_of_birth");
    for (raw, country, expected) in [
        ("1980-01-15", "", "1980-01-15"),
        ("1980-01-15T23:00:00-05:00", "", "1980-01-15"),
        ("1980-01-15 00:00:00", "", "1980-01-15"),
        ("1980/1/15", "", "1980-01-15"),
        ("19800115", "", "1980-01-15"),
        ("15.01.1980", "", "1980-01-15"),
        ("5.1.1980", "", "1980-01-05"),
        ("15/01/1980", "", "1980-01-15"),
        ("01/15/1980", "", "1980-01-15"),
        ("03/04/1980", "US", "1980-03-04"),
        ("03/03/1980", "", "1980-03-03"),
        ("15 Mar 1980", "", "1980-03-15"),
        ("March 15, 1980", "", "1980-03-15"),
        ("15-MAR-1980", "", "1980-03-15"),
        ("2000-02-29", "", "2000-02-29"),
    ] {
        date.check(raw, country, Ok(expected));
    }
    for (raw, country, reason) in [
        ("03/04/1980", "", Reason::DateAmbiguous),
        ("03/04/1980", "GB", Reason::DateAmbiguous),
        ("03-04-1980", "DE", Reason::DateAmbiguous),
        ("1980-02-30", "", Reason::DateSyntax),
        ("1900-02-29", "", Reason::DateSyntax),
        ("15/13/1980", "", Reason::DateSyntax),
        ("15.01.80", "", Reason::DateCentury),
        ("1899-12-31", "", Reason::DateRange),
        ("2101-01-01", "", Reason::DateRange),
        ("1900-01-01", "", Reason::Placeholder),
        ("0000-00-00", "", Reason::Placeholder),
        ("0001-01-01", "", Reason::Placeholder),
        ("9999-12-31", "", Reason::Placeholder),
        ("n/a", "", Reason::Placeholder),
        ("soon", "", Reason::DateSyntax),
    ] {
        date.check(raw, country, Err(reason));
    }
    for (number, expected) in [
        ("3666", Ok("1980-01-15")),
        ("-1", Ok("1969-12-31")),
        ("19800115", Ok("1980-01-15")),
        ("316742400000", Ok("1980-01-15")),
        ("316742400000000", Ok("1980-01-15")),
        ("-631152000000", Ok("1950-01-01")),
        ("5000000", Err(Some(Reason::DateSyntax))),
        ("1e3", Err(Some(Reason::DateSyntax))),
        ("99999999999999999999", Err(Some(Reason::DateSyntax))),
        ("9223372036854775807", Err(Some(Reason::DateRange))),
        ("-9223372036854775808", Err(Some(Reason::DateRange))),
    ] {
        assert_eq!(date.read(CellKind::Number, number, ""), expected.map(str::to_owned), "{number}");
    }
}

#[test]
fn times() {
    let mut time = Single::new("seen_at");
    for (raw, expected) in [
        ("2025-01-31T09:30:00Z", "2025-01-31T09:30:00Z"),
        ("2025-01-31t09:30:00.120+02:00", "2025-01-31T07:30:00.12Z"),
        ("2025-01-31 09:30:00", "2025-01-31T09:30:00Z"),
        ("2025-01-31T09:30-0530", "2025-01-31T15:00:00Z"),
        ("2025-01-31", "2025-01-31T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("1738315800", "2025-01-31T09:30:00Z"),
        ("1738315800.25", "2025-01-31T09:30:00.25Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59Z"),
        ("infinity", "9999-12-31T23:59:59Z"),
    ] {
        time.check(raw, "", Ok(expected));
    }
    for (raw, reason) in [
        ("2025-01-31T25:00:00Z", Reason::TimeSyntax),
        ("2025-02-30T00:00:00Z", Reason::TimeSyntax),
        ("2025-01-31T09:30:00+25:00", Reason::TimeSyntax),
        ("0000-00-00 00:00:00", Reason::Placeholder),
        ("1700-01-01T00:00:00Z", Reason::TimeRange),
        ("yesterday", Reason::TimeSyntax),
        ("2025-01-31T", Reason::TimeSyntax),
    ] {
        time.check(raw, "", Err(reason));
    }
    for (number, expected) in [
        ("1738315800", Ok("2025-01-31T09:30:00Z")),
        ("1738315800000", Ok("2025-01-31T09:30:00Z")),
        ("1738315800000000", Ok("2025-01-31T09:30:00Z")),
        ("1738315800000000000", Ok("2025-01-31T09:30:00Z")),
        ("0", Err(Some(Reason::Placeholder))),
        ("1e9", Err(Some(Reason::TimeSyntax))),
        ("99999999999999999999999", Err(Some(Reason::TimeSyntax))),
        ("-9223372036854775808", Err(Some(Reason::TimeRange))),
        ("-99999999999", Err(Some(Reason::TimeRange))),
    ] {
        assert_eq!(time.read(CellKind::Number, number, ""), expected.map(str::to_owned), "{number}");
    }
}

#[test]
fn kinds_of_cells() {
    let mut integer = Single::new("count");
    assert_eq!(integer.read(CellKind::Number, "12", ""), Ok("12".to_owned()));
    assert_eq!(integer.read(CellKind::Number, "1e400", ""), Err(Some(Reason::NumberRange)));
    assert_eq!(integer.read(CellKind::Json, "{\"a\":1}", ""), Err(Some(Reason::NotScalar)));
    assert_eq!(integer.read(CellKind::Null, "", ""), Err(None));
    assert_eq!(integer.read(CellKind::Unavailable, "", ""), Err(None));
    assert_eq!(integer.read(CellKind::Text, "   ", ""), Err(None));
    let mut email = Single::new("email");
    assert_eq!(email.read(CellKind::Number, "12", ""), Err(Some(Reason::WrongType)));
    assert_eq!(email.read(CellKind::Boolean, "true", ""), Err(Some(Reason::WrongType)));
    let mut phone = Single::new("phone");
    assert_eq!(phone.read(CellKind::Number, "15123456789", "DE"), Ok("+4915123456789".to_owned()));
    assert_eq!(phone.read(CellKind::Number, "1.5e10", "DE"), Err(Some(Reason::PhoneSyntax)));
    let mut account = Single::new("account_id");
    assert_eq!(account.read(CellKind::Number, "12345", ""), Ok("12345".to_owned()));
    let mut note = Single::new("note");
    assert_eq!(note.read(CellKind::Text, &"a".repeat(1024), "").map(|text| text.len()), Ok(1024));
    assert_eq!(note.read(CellKind::Text, &"a".repeat(1025), ""), Err(Some(Reason::TooLong)));
    assert_eq!(note.read(CellKind::Text, &" ".repeat(10_000_000), ""), Err(None));
}

#[test]
fn a_record_with_many_fields() {
    let mut schema = schema(&[
        ("email", "email"),
        ("phone", "phone"),
        ("other_email", "email"),
        ("name", "full_name"),
        ("first", "given_name"),
        ("country", "country"),
        ("city", "city"),
    ]);
    schema.kinds[0].blocked = vec!["NoReply@Example.COM".to_owned()];
    schema.sources[0].region = Some("FR".to_owned());
    let schema = Arc::new(schema);
    let mut standardizer = Standardizer::new(&schema);
    let mut out = Standardized::default();
    let mut run = |cells: &[(u16, &str)]| {
        let mut fields = Fields::default();
        for (field, text) in cells {
            fields.push(FieldIndex(*field), CellKind::Text, text);
        }
        standardizer.record(SourceId(0), &fields, &mut out);
        let name = |a: AttributeId| schema.attributes[usize::from(a.0)].name.clone();
        let values: Vec<String> = out.values().map(|(a, f, text)| format!("{} {f} {text}", name(a))).collect();
        let issues: Vec<(u16, Reason)> = out.issues().iter().map(|issue| (issue.field.0, issue.reason)).collect();
        (values, issues)
    };
    let (values, issues) = run(&[
        (0, "Ada@Example.com"),
        (1, "0151 23456789"),
        (2, "ada2@example.com"),
        (3, "Ada Lovelace"),
        (4, "Augusta"),
        (5, "Germany"),
        (6, "BERLIN"),
    ]);
    let expected = [
        "email 0 ada@example.com",
        "email 2 ada2@example.com",
        "phone 1 +4915123456789",
        "given_name 4 Augusta",
        "family_name 3 Lovelace",
        "full_name 3 Ada Lovelace",
        "country 5 DE",
        "city 6 Berlin",
    ];
    assert_eq!((values, issues), (expected.map(str::to_owned).to_vec(), vec![]));

    // The source's region serves where the record's country is missing or no country; a bad value costs only itself.
    let (values, issues) =
        run(&[(0, " noreply@EXAMPLE.com"), (1, "06 12 34 56 78"), (2, "x"), (4, "?"), (5, "Narnia")]);
    assert_eq!(values, ["phone 1 +33612345678"]);
    assert_eq!(
        issues,
        [(0, Reason::Blocked), (2, Reason::EmailSyntax), (4, Reason::Placeholder), (5, Reason::CountryUnknown)]
    );

    // A source that the schema does not have gives nothing.
    let mut fields = Fields::default();
    fields.push(FieldIndex(0), CellKind::Text, "ada@example.com");
    standardizer.record(SourceId(9), &fields, &mut out);
    assert_eq!(out, Standardized::default());
}

#[test]
fn consents() {
    let mut schema = schema(&[]);
    let purpose = |name: &str, dpv: &str| Purpose {
        name: name.to_owned(),
        dpv: dpv.to_owned(),
        description: String::new(),
        categories: vec![],
        recipients: vec![],
        retention_days: None,
        category_retention_days: Vec::new(),
        basis: onefold::model::Basis::Consent,
    };
    schema.purposes = vec![purpose("marketing", "dpv:Marketing"), purpose("analytics", "dpv:ServiceUsageAnalytics")];
    let email = FieldRole::Attribute(schema.attribute("email").unwrap());
    let note = FieldRole::Attribute(schema.attribute("note").unwrap());
    let part = |part| FieldRole::Consent(part);
    schema.sources = vec![source(
        "consents",
        vec![
            ("email".to_owned(), email),
            ("purpose".to_owned(), part(ConsentField::Purpose)),
            ("status".to_owned(), part(ConsentField::Status)),
            ("at".to_owned(), part(ConsentField::At)),
            ("expires_at".to_owned(), part(ConsentField::ExpiresAt)),
            ("note".to_owned(), note),
        ],
    )];
    let mut standardizer = Standardizer::new(&Arc::new(schema));
    let mut out = Standardized::default();
    let event = Some(Timestamp(1_000_000));
    let mut check = |cells: [&str; 5], event: Option<Timestamp>, expected: Result<Consent, ConsentProblem>| {
        let mut fields = Fields::default();
        for (index, text) in (0u16..).zip(cells).filter(|(_, text)| !text.is_empty()) {
            let kind = if text.starts_with(['{', '[']) { CellKind::Json } else { CellKind::Text };
            fields.push(FieldIndex(index), kind, text);
        }
        fields.push(FieldIndex(5), CellKind::Text, "not an identifier");
        assert_eq!(standardizer.consent(SourceId(0), &fields, event, &mut out), expected, "{cells:?}");
    };
    let consent = |purposes: &[u8], state, at, until: Option<i64>| {
        let (explicit, parental) = (false, false);
        Ok(Consent {
            purposes: purposes.iter().copied().map(PurposeId).collect(),
            state,
            explicit,
            parental,
            at: Timestamp(at),
            until: until.map(Timestamp),
        })
    };
    use ConsentState::{Given, Unknown, Withdrawn};
    let (time, micros) = ("2025-01-31T09:30:00Z", 1_738_315_800_000_000);
    let who = "ada@example.com";
    check([who, "marketing", "given", time, ""], event, consent(&[0], Given, micros, None));
    check([who, "Marketing", "dpv:ConsentGiven", time, time], None, consent(&[0], Given, micros, Some(micros)));
    check([who, "dpv:ServiceUsageAnalytics", "opt_in", "", ""], event, consent(&[1], Given, 1_000_000, None));
    check([who, "marketing", "given", time, "9999-12-31T23:59:59Z"], None, consent(&[0], Given, micros, None));
    check([who, "marketing", "withdrawn", time, "rubbish"], event, consent(&[0], Withdrawn, micros, None));
    check([who, "marketing", "withdrawn", "rubbish", ""], event, consent(&[0], Withdrawn, 1_000_000, None));
    check([who, "marketing", "ConsentUnknown", time, ""], None, consent(&[0], Unknown, micros, None));
    check([who, "marketing", "perhaps", time, ""], event, Err(ConsentProblem::StateUnknown));
    check([who, "marketing", "", time, ""], event, Err(ConsentProblem::StateMissing));
    check([who, "spying", "given", time, ""], event, Err(ConsentProblem::PurposeUnknown));
    check([who, "", "given", time, ""], event, Err(ConsentProblem::PurposeMissing));
    check([who, "marketing", "given", "", ""], None, Err(ConsentProblem::TimeMissing));
    check([who, "marketing", "given", "rubbish", ""], event, Err(ConsentProblem::TimeUnreadable));
    check([who, "marketing", "given", time, "rubbish"], event, Err(ConsentProblem::ExpiryUnreadable));
    let receipts: &[([&str; 3], Result<Consent, ConsentProblem>)] = &[
        (
            [r#"{"@id":"https://w3id.org/dpv#Marketing"}"#, r#"{"@type":"dpv:ConsentGiven"}"#, ""],
            consent(&[0], Given, micros, None),
        ),
        ([r#"["dpv:Marketing"]"#, r#"[{"@id":"dpv:ConsentWithdrawn"}]"#, "{}"], consent(&[0], Withdrawn, micros, None)),
        (["https://w3id.org/dpv#ServiceUsageAnalytics", "given", ""], consent(&[1], Given, micros, None)),
        (
            [r#"[{"@type":"dpv:Process","dpv:hasPurpose":"dpv:Marketing"},{"@type":"dpv:Process"}]"#, "given", ""],
            consent(&[0], Given, micros, None),
        ),
        (
            [r#"{"dpv:hasPurpose":"dpv:Marketing","dpv:hasProcess":{"dpv:hasPurpose":"x"}}"#, "given", ""],
            consent(&[0], Given, micros, None),
        ),
        (
            [r#"{"dpv:hasPurpose":"analytics","dpv:hasPurpose":"dpv:Marketing"}"#, "given", ""],
            consent(&[0, 1], Given, micros, None),
        ),
        ([r#"["dpv:Marketing","analytics"]"#, "withdrawn", ""], consent(&[0, 1], Withdrawn, micros, None)),
        // One thing that is both: who permits it permits neither of them as such, who ends it ends both.
        ([r#"{"@type":["marketing","analytics"]}"#, "given", ""], Err(ConsentProblem::PurposeSeveral)),
        ([r#"{"@type":["marketing","analytics"]}"#, "withdrawn", ""], consent(&[0, 1], Withdrawn, micros, None)),
        (
            [r#"{"@type":"dpv:Purpose","skos:broader":"dpv:Marketing"}"#, "given", ""],
            Err(ConsentProblem::PurposeUnknown),
        ),
        (
            [r#"{"@type":"dpv:Process","dpv:hasRecipient":"marketing"}"#, "given", ""],
            Err(ConsentProblem::PurposeMissing),
        ),
        (["https://example.com/Marketing", "given", ""], Err(ConsentProblem::PurposeUnknown)),
        (
            ["marketing", r#"[{"@type":"dpv:ConsentGiven"},{"@type":"dpv:ConsentWithdrawn"}]"#, ""],
            Err(ConsentProblem::StateSeveral),
        ),
        (
            ["marketing", r#"{"@type":["dpv:ConsentGiven","dpv:ConsentRefused"]}"#, ""],
            Err(ConsentProblem::StateSeveral),
        ),
        (["marketing", r#"{"@type":"dpv:Consent"}"#, ""], Err(ConsentProblem::StateUnknown)),
        (["marketing", "[]", ""], Err(ConsentProblem::StateMissing)),
        (
            ["marketing", "given", r#"{"@type":"dpv:TemporalDuration","rdf:value":"P6M"}"#],
            consent(&[0], Given, micros, Some(1_753_954_200_000_000)),
        ),
        (["marketing", "given", "PT1H"], consent(&[0], Given, micros, Some(micros + 3_600_000_000))),
        (["marketing", "given", r#"{"rdf:value":"Closure of User Account"}"#], Err(ConsentProblem::ExpiryUnreadable)),
        (["marketing", "given", r#"{"@type":"dpv:EndlessDuration"}"#], Err(ConsentProblem::ExpiryUnreadable)),
        (["marketing", "given", r#"["2030-01-01","2040-01-01"]"#], Err(ConsentProblem::ExpiryUnreadable)),
    ];
    for ([purpose, status, until], expected) in receipts {
        check([who, purpose, status, time, until], None, expected.clone());
    }
    let both = r#"{"@type":["dpv:ConsentGiven","dpv:ExplicitlyExpressedConsent"]}"#;
    let explicit = consent(&[0], Given, micros, None).map(|consent| Consent { explicit: true, ..consent });
    check([who, "marketing", both, time, ""], None, explicit);
    check(["nobody", "marketing", "given", time, ""], event, Err(ConsentProblem::SubjectMissing));
    check(["", "marketing", "withdrawn", time, ""], event, Err(ConsentProblem::SubjectMissing));
}

proptest! {
    #[test]
    fn standardised_values_stay_as_they_are(
        raw in prop_oneof![
            "\\PC{0,24}",
            "[A-Za-z '.,-]{1,24}",
            "[A-ZÀ-Þ]{1,8}[ '-][a-zà-þ]{1,8}",
            "[0-9+ ()/.-]{1,20}",
            "[a-zA-Z0-9.+_-]{1,12}@[a-zA-Z0-9.-]{1,16}",
            "(Mr|Dr|van|DE|Mac|o'|St|Ave|Jr|,|[(\"]x[)\"]| |[A-Za-z0-9.]){1,8}",
            any::<String>(),
        ],
        country in prop_oneof![Just(""), Just("US"), Just("DE"), Just("GB"), Just("ES"), Just("BR"), Just("FR"), Just("CH"), Just("NL")],
    ) {
        for (name, _) in SEMANTICS {
            let mut single = Single::new(name);
            if let Ok(once) = single.read(CellKind::Text, &raw, country) {
                prop_assert_eq!(single.read(CellKind::Text, &once, country), Ok(once.clone()), "{} as {}", raw, name);
            }
            let _ = single.read(CellKind::Number, &raw, country);
        }
    }
}

#[test]
fn blocked_patterns_stand_for_any_run() {
    let mut schema = schema(&[("email", "email"), ("other", "email")]);
    schema.kinds[0].blocked = vec!["info@*".to_owned(), "*@shared.example".to_owned()];
    let schema = Arc::new(schema);
    let mut standardizer = Standardizer::new(&schema);
    let mut out = Standardized::default();
    for (text, blocked) in [
        ("Info@Firm7.example", true),
        ("anybody@SHARED.example", true),
        ("infos@firm7.example", false),
        ("ada@example.com", false),
    ] {
        let mut fields = Fields::default();
        fields.push(FieldIndex(0), CellKind::Text, text);
        standardizer.record(SourceId(0), &fields, &mut out);
        let reasons: Vec<Reason> = out.issues().iter().map(|issue| issue.reason).collect();
        assert_eq!(out.values().count(), usize::from(!blocked), "{text}");
        assert_eq!(reasons, if blocked { vec![Reason::Blocked] } else { vec![] }, "{text}");
    }
}
