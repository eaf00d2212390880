//! Goal: records that share no identifier become one person by their score, through the whole product, and whatever came
//! in which order, was changed, taken back or lost, the profiles are those of a fresh run.
//! Method: invented people with slips of the pen, a model trained on them by the program, and the exported members of
//! different histories side by side.

use crate::program::{ok, run, run_with_input, text};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const GIVEN: [&str; 20] = [
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Leslie",
    "Radia",
    "Katherine",
    "Margaret",
    "Dennis",
    "Frances",
    "Anita",
    "Evelyn",
    "Joan",
    "Adele",
    "Sophie",
    "Silvio",
    "Martin",
    "Claude",
];
const FAMILY: [&str; 20] = [
    "Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Lamport", "Perlman", "Johnson", "Hamilton",
    "Ritchie", "Allen", "Borg", "Boyd", "Clarke", "Goldberg", "Wilson", "Micali", "Hellman", "Shannon",
];
const CITIES: [&str; 6] = ["London", "Leeds", "Bristol", "Cardiff", "Oxford", "York"];
const HEADER: &str = "id,first,last,born,town,mail\n";

/// A number that looks drawn and is not.
fn drawn(place: usize, turn: usize, below: usize) -> usize {
    // SplitMix64.
    let mut mixed = (place as u64 * 8 + turn as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % below as u64) as usize
}

/// Two rows of each person, of which the second has a slip; key and line.
fn rows() -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for n in 0..200 {
        let (first, last) = (GIVEN[drawn(n, 0, 20)], FAMILY[drawn(n, 1, 20)]);
        let (year, month, day) = (1940 + drawn(n, 2, 60), 1 + drawn(n, 3, 12), 1 + drawn(n, 4, 28));
        let town = CITIES[drawn(n, 5, 6)];
        let mail = format!("{}{n}@example.org", last.to_lowercase());
        rows.push((format!("{n}a"), format!("{n}a,{first},{last},{year}-{month:02}-{day:02},{town},{mail}\n")));
        let (first, born) = match n % 4 {
            0 => (first[..first.len() - 1].to_owned(), format!("{year}-{month:02}-{day:02}")),
            1 => (first.to_owned(), format!("{year}-{month:02}-{:02}", day % 28 + 1)),
            2 => (first.to_uppercase(), format!("{year}-{month:02}-{day:02}")),
            _ => (format!("{}.", &first[..1]), format!("{year}-{month:02}-{day:02}")),
        };
        rows.push((format!("{n}b"), format!("{n}b,{first},{last},{born},{town},\n")));
    }
    rows
}

/// The bundle, with a model if there is one.
fn bundle(folder: &Path, model: Option<&[u8]>) -> PathBuf {
    let dir = folder.join(if model.is_some() { "scored" } else { "exact" });
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("bundle.toml"), "name = \"people\"\nversion = \"1\"\ndescription = \"people of a list\"\n")
        .unwrap();
    fs::write(
        dir.join("sources.toml"),
        "[[source]]\nname = \"list\"\nfiles = [\"list*.csv\"]\nformat = \"csv\"\nkey = \"id\"\n\n[source.fields]\n\
         first = \"given_name\"\nlast = \"family_name\"\nborn = \"date_of_birth\"\ntown = \"city\"\nmail = \"email\"\n",
    )
    .unwrap();
    let mut identity = "[[identifier]]\nattribute = \"email\"\npriority = 80\n".to_owned();
    if let Some(model) = model {
        fs::write(dir.join("model.json"), model).unwrap();
        let digest = onefold::encoding::hex::encode(&onefold::encoding::sha256::digest(model));
        write!(identity, "\n[matching]\nmodel = \"{digest}\"\n").unwrap();
    }
    fs::write(dir.join("identity.toml"), identity).unwrap();
    dir
}

fn ingest(data: &str, rows: &[(String, String)]) {
    let csv = rows.iter().fold(HEADER.to_owned(), |csv, (_, line)| csv + line);
    let ran = run_with_input(&["ingest", "-q", "--source", "list", "--data", data, "-"], csv.as_bytes());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

/// A data directory under the bundle, with these rows in one ingest.
fn loaded(folder: &Path, name: &str, bundle: &Path, identity_from: Option<&str>, rows: &[(String, String)]) -> String {
    let data = text(&folder.join(name)).to_owned();
    let mut arguments = vec!["init", "-q", "--policy", text(bundle), "--data", &data];
    arguments.extend(identity_from.map(|other| ["--identity-from", other]).iter().flatten());
    ok(&arguments);
    ingest(&data, rows);
    data
}

#[test]
fn a_key_of_two_parts_is_written_with_a_bar() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let dir = bundle(folder, None);
    let sources = fs::read_to_string(dir.join("sources.toml")).unwrap();
    fs::write(dir.join("sources.toml"), sources.replace("key = \"id\"", "key = [\"town\", \"id\"]")).unwrap();
    let row = |key: &str| (key.to_owned(), format!("{key},Ada,Lovelace,1915-12-10,London,ada@example.org\n"));
    let data = loaded(folder, "data", &dir, None, &[row("1"), row("2")]);
    let out = ok(&["why", "list:London|1", "list:London|2", "--data", &data]);
    assert!(out.contains("list:London|1 and list:London|2 share the email"), "{out}");
    let truth = folder.join("truth.csv");
    fs::write(&truth, "source,record_id,entity_id\nLondon,1,x\nLondon,2,y\n").unwrap();
    let out = ok(&["match", "evaluate", "--truth", text(&truth), "--data", &data]);
    assert!(out.contains("2 records of 2 persons, 1 false pairs: list:London|1, list:London|2"), "{out}");
}

/// Who is with whom.
fn partition(data: &str) -> BTreeSet<BTreeSet<String>> {
    let mut profiles: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in ok(&["export", "members", "--data", data]).lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        profiles.entry(cells[2].to_owned()).or_default().insert(cells[1].to_owned());
    }
    profiles.into_values().collect()
}

/// What stands to be reviewed, without what depends on names.
fn questions(data: &str) -> BTreeSet<String> {
    let list: Value =
        serde_json::from_str(&ok(&["review", "list", "--limit", "100000", "--json", "--data", data])).unwrap();
    let key = |record: &Value| record["key"].as_str().unwrap_or_default().to_owned();
    let pair = |row: &Value| {
        let mut ends = [key(&row["from"]), key(&row["to"])];
        ends.sort();
        format!("{ends:?} {}", row["obstacle"])
    };
    list["open"].as_array().unwrap().iter().map(pair).collect()
}

fn train(folder: &Path, rows: &[(String, String)], name: &str) -> Vec<u8> {
    let data = loaded(folder, name, &bundle(folder, None), None, rows);
    let model = folder.join(format!("{name}.json"));
    ok(&["match", "train", "--data", &data, "-o", text(&model)]);
    fs::read(model).unwrap()
}

#[test]
fn every_history_gives_the_profiles_of_a_fresh_run() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, rows) = (folder.path(), rows());
    let model = train(folder, &rows, "training");
    let shuffled: Vec<_> = (0..rows.len()).map(|place| rows[place * 37 % rows.len()].clone()).collect();
    assert_eq!(train(folder, &shuffled, "shuffled"), model, "the order of records plays no part in training");
    let scored = bundle(folder, Some(&model));

    let whole = loaded(folder, "whole", &scored, None, &rows);
    let expected = partition(&whole);
    let joined = expected.iter().filter(|profile| profile.len() > 1).count();
    assert!(joined >= 120, "only {joined} profiles of two or more");
    // So few names, dates and towns that some people are alike to a digit.
    let people = |profile: &BTreeSet<String>| -> usize {
        profile.iter().map(|key| key.trim_end_matches(['a', 'b'])).collect::<BTreeSet<&str>>().len()
    };
    let mixed: Vec<_> = expected.iter().filter(|profile| people(profile) > 1).collect();
    assert!(mixed.len() <= 2, "{mixed:?}");

    // In stages and another order; with wrong rows that are corrected; after the index was lost.
    let staged = loaded(folder, "staged", &scored, Some(&whole), &shuffled[..150]);
    let wrong: Vec<_> =
        rows[..40].iter().map(|(key, _)| (key.clone(), format!("{key},Eve,Quimby,1950-01-01,Rome,\n"))).collect();
    ingest(&staged, &wrong);
    assert_ne!(partition(&staged), expected);
    ingest(&staged, &shuffled[150..300]);
    fs::remove_dir_all(Path::new(&staged).join("index")).unwrap();
    ingest(&staged, &shuffled[300..]);
    ingest(&staged, &rows[..40]);
    assert_eq!(partition(&staged), expected);
    assert_eq!(questions(&staged), questions(&whole));
    for data in [&whole, &staged] {
        assert!(ok(&["ledger", "audit", "--data", data]).contains("account for each other"));
    }
}

#[test]
fn a_match_is_explained_and_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, rows) = (folder.path(), rows());
    let model = train(folder, &rows, "training");
    let data = loaded(folder, "data", &bundle(folder, Some(&model)), None, &rows);
    let out = ok(&["match", "explain", "list:1a", "list:1b", "--data", &data]);
    for part in [
        "How alike are list:1a and list:1b?",
        "The likeliest other explanation is two strangers",
        "family_name",
        "date_of_birth",
        "Weight ",
        "They are in one profile.",
    ] {
        assert!(out.contains(part), "{part:?} is not in\n{out}");
    }
    let told: Value =
        serde_json::from_str(&ok(&["match", "explain", "list:1a", "list:7b", "--data", &data, "--json"])).unwrap();
    let number = |value: &Value| value.as_i64().unwrap();
    let steps = told["steps"].as_array().unwrap().iter();
    let sum: i64 = steps.map(|step| number(&step["weight"]) + number(&step["adjustment"])).sum();
    assert_eq!(number(&told["prior"]) + sum, number(&told["weight"]), "{told}");
    assert_eq!(told["together"], false);

    let blocks: Value = serde_json::from_str(&ok(&["match", "blocks", "--data", &data, "--json"])).unwrap();
    assert!(number(&blocks["count"]) >= 200 && number(&blocks["oversized_count"]) == 0, "{blocks}");

    let truth = rows.iter().fold("source,record_id,entity_id\n".to_owned(), |truth, (key, _)| {
        truth + &format!("list,{key},{}\n", key.trim_end_matches(['a', 'b']))
    });
    let path = folder.join("truth.csv");
    fs::write(&path, truth).unwrap();
    let chart = folder.join("chart.svg");
    let arguments = ["match", "evaluate", "--truth", text(&path), "--chart", text(&chart), "--data", &data, "--json"];
    let told: Value = serde_json::from_str(&ok(&arguments)).unwrap();
    assert_eq!(told["records"].as_u64(), Some(400));
    assert!(told["pairwise"]["precision"].as_f64() >= Some(0.97), "{told}");
    assert!(told["pairwise"]["recall"].as_f64() >= Some(0.6), "{told}");
    let svg = fs::read_to_string(chart).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
}

#[test]
fn models_that_are_not_what_they_say_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, rows) = (folder.path(), rows());
    let model = String::from_utf8(train(folder, &rows, "training")).unwrap();
    let check = |model: &str, said: &str| {
        let ran = run(&["policy", "check", text(&bundle(folder, Some(model.as_bytes())))]);
        assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
        let told = ran.out + &ran.err;
        assert!(told.replace(['\n', '│'], " ").contains(said), "{said:?} is not in\n{told}");
    };
    let edited = model.replacen("\"prior\": -", "\"prior\": -1", 1);
    assert_ne!(edited, model);
    check(&edited, "altered after training");
    check(&model.replace("onefold-model/1", "onefold-model/9"), "onefold-model/9");
    check("{}", "model");
    let good = bundle(folder, Some(model.as_bytes()));
    ok(&["policy", "check", text(&good)]);
    // Another model than the one that the bundle names.
    let identity = fs::read_to_string(good.join("identity.toml")).unwrap();
    fs::write(good.join("identity.toml"), identity.replacen("model = \"", "model = \"0", 1)).unwrap();
    let ran = run(&["policy", "check", text(&good)]);
    assert!(ran.code == 2 && (ran.out + &ran.err).contains("is not the model that is named here"));
}

#[test]
fn training_on_nothing_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let exact = bundle(folder, None);
    let row = |key: &str, rest: &str| (key.to_owned(), format!("{key},{rest}\n"));
    let one = [row("1", "Ada,Lovelace,1915-12-10,London,")];
    let equal: Vec<_> = (0..9).map(|n| row(&n.to_string(), "Ada,Lovelace,1915-12-10,London,")).collect();
    let nulls: Vec<_> = (0..9).map(|n| row(&n.to_string(), ",,,,")).collect();
    for (name, rows) in [("none", &[][..]), ("one", &one), ("equal", &equal), ("nulls", &nulls)] {
        let data = loaded(folder, name, &exact, None, rows);
        let model = folder.join(format!("{name}.json"));
        let ran = run(&["match", "train", "--data", &data, "-o", text(&model)]);
        assert!(
            ran.code != 0 && ran.err.starts_with("error: ") && ran.out.is_empty(),
            "{name}: {} {}",
            ran.out,
            ran.err
        );
        assert!(!model.exists(), "{name}");
    }
}
