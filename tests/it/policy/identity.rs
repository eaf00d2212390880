//! Goal: what identifies, what is held back and how large a profile may be is read as it is written, and the usual junk is
//! built in.
//! Method: kinds of small bundles are asked about values; broken ones are checked for the exact list of problems.

use super::*;

/// The kinds of an `identity.toml`, by name.
fn kinds(text: &str) -> Vec<onefold::model::IdentifierKind> {
    Bundle::compile(with(&[("identity.toml", text)])).unwrap_or_else(|problems| panic!("{problems}")).schema.kinds
}

/// Values that are nobody's own or are shared, and others that only look like them.
#[test]
fn the_usual_junk_is_built_in() {
    let text = "[[identifier]]\nattribute = \"email\"\npriority = 1\nblocked = [\"club@*\"]\nweak = [\"info@*\", \"old@*\"]\n\
                [[identifier]]\nattribute = \"phone\"\npriority = 1\n\
                [[identifier]]\nattribute = \"account_id\"\npriority = 1\n\
                [[identifier]]\nattribute = \"social_handle\"\npriority = 1\n";
    let all = kinds(text);
    let blocked: [(usize, &[&str], &[&str]); 4] = [
        (
            0,
            &[
                "test@test.com",
                "test@firm.example",
                "noreply@firm.example",
                "no-reply@firm.example",
                "donotreply@x.example",
                "null@x.example",
                "none@none.com",
                "nobody@x.example",
                "unknown@x.example",
                "na@na.com",
                "a@a.com",
                "club@x.example",
            ],
            &["testa@x.example", "info@x.example", "anna@na.com", "a@ab.com", "reply@x.example", "contest@x.example"],
        ),
        (
            1,
            &["+12025550123", "+19995550199", "+33123456789", "+353123456789", "+4989000000000", "+441234567890"],
            &["+12025551123", "+12125560123", "+12025550200", "+442079460018", "+4915112345678"],
        ),
        (
            2,
            &[
                "0",
                "000000",
                "null",
                "NULL",
                "none",
                "n/a",
                "undefined",
                "unknown",
                "test",
                "00000000-0000-0000-0000-000000000000",
            ],
            &["00001", "10", "nullable", "A-17", "tester", "?"],
        ),
        (3, &[], &["test", "null", "ada"]),
    ];
    for (kind, junk, own) in blocked {
        for value in junk {
            assert!(all[kind].is_blocked(value), "{value} is not blocked as a {}", all[kind].name);
        }
        for value in own {
            assert!(!all[kind].is_blocked(value), "{value} is blocked as a {}", all[kind].name);
        }
    }
    for value in [
        "info@x.example",
        "sales@x.example",
        "office@x.example",
        "hr@x.example",
        "postmaster@x.example",
        "old@x.example",
    ] {
        assert!(all[0].is_weak(value) && !all[0].is_blocked(value), "{value}");
    }
    for value in ["ada@x.example", "sinfo@x.example", "salesman@x.example"] {
        assert!(!all[0].is_weak(value), "{value}");
    }
    assert!(!all[1].is_weak("+12025550123"));
    assert_eq!(all[0].weak.iter().filter(|value| *value == "info@*").count(), 1);
    let own = kinds(&text.replace("priority = 1\n", "priority = 1\ndefaults = false\n"));
    assert_eq!((own[0].blocked.as_slice(), own[0].weak.len()), (&["club@*".to_owned()][..], 2));
    assert!(own[1].blocked.is_empty() && own[2].blocked.is_empty());
    // A limit of names is for what people give as their own.
    assert_eq!(all.iter().map(|kind| kind.names_max).collect::<Vec<_>>(), [4, 4, 0, 0]);
}

#[test]
fn a_source_may_have_one_record_a_person() {
    let sources = contacts().into_iter().find(|(name, _)| name == "sources.toml").expect("it has one").1;
    let single =
        |text: &str| Bundle::compile(with(&[("sources.toml", text)])).expect("it compiles").schema.sources[0].single;
    assert!(!single(&sources));
    assert!(single(&sources.replace("format = ", "one_record_a_person = true\nformat = ")));
}

#[test]
fn broken_limits() {
    check(
        "identity.toml",
        "[profile]\nrecords_max = 0\nrecords = 5\n\
         [[identifier]]\nattribute = \"email\"\npriority = 1\nnames_max = 1001\nunique = \"yes\"\ndefaults = 0\n\
         weak = [\"Club@*\", \"??*\", \"a?@b.c\"]\n\
         [[identifier]]\nattribute = \"phone\"\npriority = 1\nblocked = [\"+1???5550???\"]\n",
        &[
            (2, "`records_max` is 0, which is out of bounds"),
            (3, "unknown key in the profile: `records`"),
            (7, "`names_max` is 1001, which is out of bounds"),
            (8, "`unique` is a string, not `true` or `false`"),
            (9, "`defaults` is a whole number, not `true` or `false`"),
            (10, "`weak` value `Club@*` is not in standardised form"),
            (10, "`weak` value `??*` stands for every value"),
        ],
    );
}
