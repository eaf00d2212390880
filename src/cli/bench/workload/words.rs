//! The words that the workload is invented from. All e-mail domains are reserved for examples (RFC 2606, RFC 6761)
//! but those of junk values, which are there because real systems are full of them.

/// Given names.
pub(super) const FIRST: &[&str] = &[
    "Ada",
    "Grace",
    "Alan",
    "Edsger",
    "Barbara",
    "Donald",
    "Leslie",
    "Katherine",
    "Margaret",
    "Dennis",
    "Ken",
    "Frances",
    "Radia",
    "Tim",
    "Anita",
    "Jean",
    "Evelyn",
    "Joan",
    "Karen",
    "Lynn",
    "Adele",
    "Mary",
    "Sophie",
    "Shafi",
    "Silvio",
    "Ron",
    "Adi",
    "Whitfield",
    "Martin",
    "Ralph",
    "Claude",
    "John",
    "Emmy",
    "Sofia",
    "José",
    "Zoë",
    "Łukasz",
    "Søren",
    "Jürgen",
    "Noémie",
    "Siobhán",
    "Oğuz",
    "Ivana",
    "Chidi",
    "Amara",
    "Kwame",
    "Yuki",
    "Haruto",
    "Mei",
    "Wei",
    "Priya",
    "Arjun",
    "Fatima",
    "Omar",
    "Leila",
    "Yusuf",
    "Olga",
    "Dmitri",
    "Ines",
    "Mateo",
    "Lucía",
    "Bruno",
    "Giulia",
    "Luca",
    "Elsa",
    "Nils",
    "Freya",
    "Aino",
];

/// Family names.
pub(super) const LAST: &[&str] = &[
    "Lovelace",
    "Hopper",
    "Turing",
    "Dijkstra",
    "Liskov",
    "Knuth",
    "Lamport",
    "Johnson",
    "Hamilton",
    "Ritchie",
    "Thompson",
    "Allen",
    "Perlman",
    "Borg",
    "Bartik",
    "Boyd",
    "Clarke",
    "Sparck",
    "Conway",
    "Goldberg",
    "Shaw",
    "Wilson",
    "Goldwasser",
    "Micali",
    "Rivest",
    "Shamir",
    "Diffie",
    "Hellman",
    "Merkle",
    "Shannon",
    "Backus",
    "Noether",
    "Kovalevskaya",
    "García",
    "Müller",
    "Nowak",
    "Sørensen",
    "Öztürk",
    "Byrne",
    "Horvat",
    "Okafor",
    "Mensah",
    "Tanaka",
    "Suzuki",
    "Chen",
    "Wang",
    "Sharma",
    "Patel",
    "Haddad",
    "Rahman",
    "Ivanova",
    "Petrov",
    "Silva",
    "Fernández",
    "Rossi",
    "Bianchi",
    "Lindqvist",
    "Virtanen",
    "Dubois",
    "Lefèvre",
    "Schmidt",
    "Weber",
    "Jansen",
    "deVries",
    "OBrien",
    "McCarthy",
    "Smith",
    "Jones",
    "Brown",
    "Taylor",
    "Evans",
    "Walker",
];

/// Names of streets.
pub(super) const STREETS: &[&str] = &[
    "Station", "Church", "Park", "Mill", "Market", "High", "King", "Queen", "Garden", "Lake", "Hill", "Bridge",
    "River", "Forest", "School", "Castle", "Victoria", "North", "South", "East", "West", "Spring", "Meadow", "Orchard",
    "Harbour", "Cedar", "Maple", "Oak", "Elm",
];

/// A country or a part of one.
pub(super) struct Place {
    /// ISO 3166-1 alpha-2.
    pub(super) country: &'static str,
    /// Whose law governs.
    pub(super) law: &'static str,
    /// Dialling prefix.
    pub(super) dial: &'static str,
    /// Prefixes of mobile numbers that are valid there.
    pub(super) prefixes: &'static [&'static str],
    /// Digits after the prefix.
    pub(super) digits: u32,
    pub(super) cities: &'static [&'static str],
}

/// Where people live.
pub(super) const PLACES: &[Place] = &[
    place("DE", "EU", "49", &["151"], 8, &["Berlin", "Hamburg", "München", "Köln"]),
    place("FR", "EU", "33", &["6", "7"], 8, &["Paris", "Lyon", "Lille", "Nantes"]),
    place("IE", "EU", "353", &["85", "86", "87"], 7, &["Dublin", "Cork", "Galway"]),
    place("ES", "EU", "34", &["6"], 8, &["Madrid", "Sevilla", "Bilbao"]),
    place("GB", "UK", "44", &["77", "78", "79"], 8, &["London", "Leeds", "Bristol", "Cardiff"]),
    place("US", "US-CA", "1", &["213", "310", "408", "415"], 7, &["Los Angeles", "San Jose", "Fresno"]),
    place("US", "US", "1", &["512", "617", "303", "312"], 7, &["Austin", "Boston", "Denver", "Chicago"]),
    place("BR", "BR", "55", &["119"], 8, &["São Paulo", "Recife", "Curitiba"]),
];

const fn place(
    country: &'static str,
    law: &'static str,
    dial: &'static str,
    prefixes: &'static [&'static str],
    digits: u32,
    cities: &'static [&'static str],
) -> Place {
    Place { country, law, dial, prefixes, digits, cities }
}

/// Domains of personal e-mail addresses.
pub(super) const DOMAINS: &[&str] =
    &["example.com", "example.org", "example.net", "mail.example", "post.example", "inbox.example"];
/// What people type to get past a form.
pub(super) const JUNK_EMAIL: &[&str] = &["test@test.com", "none@none.com", "noreply@example.com"];
/// The same for phone numbers.
pub(super) const JUNK_PHONE: &[&str] = &["0000000000", "1111111111", "123456789"];
/// What consents are for.
pub(super) const PURPOSES: &[&str] =
    &["marketing", "personalisation", "analytics", "profiling", "sharing_with_partners"];
/// What is tracked.
pub(super) const EVENTS: &[&str] =
    &["Product Viewed", "Product Added", "Cart Viewed", "Checkout Started", "Page Viewed", "Search Performed"];

/// Lowercase ASCII letters and digits of a name, without its accents.
pub(super) fn slug(name: &str) -> String {
    const ACCENTED: &str = "áéíóúüöäøłčćñèëğçşÖØŁ";
    const PLAIN: &[u8] = b"aeiouuoaolccneegcsOOL";
    name.chars()
        .filter_map(|c| match ACCENTED.chars().position(|accented| accented == c) {
            Some(index) => Some(char::from(PLAIN[index])),
            None => c.is_ascii_alphanumeric().then_some(c),
        })
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("Łukasz"), "lukasz");
        assert_eq!(slug("Öztürk"), "ozturk");
        assert_eq!(slug("deVries"), "devries");
        assert!(FIRST.iter().chain(LAST).all(|name| slug(name).chars().count() == name.chars().count()));
    }
}
