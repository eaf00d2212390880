//! The certificate of an erasure: a text for people, signed by the ledger's keys as a C2SP signed-note.
//!
//! Its head is lines of `name: value`, each of which the erasure entries of the package bear out but for the count of
//! consents and the date of issue; below the head stands what that means. It names no person, record or value.
//!
//! INVARIANT: a certificate agrees with the erasure entries beside it, or does not verify.

use super::manifest::time;
use crate::crypto::LedgerId;
use crate::ledger::{Erasure, REJECTED_NUMBERS};
use crate::model::Sequence;
use crate::tlog::{SignedNote, SigningKey};
use std::fmt::Write;

const TITLE: &str = "onefold erasure certificate v1";

/// What is certified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Of which ledger.
    pub ledger: LedgerId,
    /// The reference of the request.
    pub request: String,
    /// The ground.
    pub ground: String,
    /// When the erasure was recorded, seconds since 1970.
    pub erased_s: u32,
    /// The erasure entries, ascending.
    pub entries: Vec<Sequence>,
    /// The epoch since which nobody sees the records.
    pub epoch: u64,
    /// Records whose keys were destroyed, consents included.
    pub records: u64,
    /// Of these, how many are consents, as the operator says: the entries do not tell.
    pub consents: u64,
    /// Refused messages about them whose keys were destroyed, too.
    pub rejected: u64,
    /// Keyed hashes of names and identifiers that stay.
    pub tombstones: u64,
    /// The generation of the key state in which the keys are no more.
    pub generation: u64,
    /// By when the ciphertexts are deleted, seconds since 1970.
    pub due_s: u32,
    /// When the certificate was issued, as the operator says.
    pub issued: String,
}

impl Certificate {
    /// What erasure entries bear out; `None` unless they are all the parts of one erasure, in order. Each comes with its
    /// sequence and time.
    pub fn new(ledger: LedgerId, erasures: &[(Sequence, u32, &Erasure)], consents: u64, issued_s: u32) -> Option<Self> {
        let (_, erased_s, first) = erasures.first()?;
        let same = |other: &Erasure| {
            (&other.request, &other.ground, other.epoch, other.generation, other.due_s, other.parts)
                == (&first.request, &first.ground, first.epoch, first.generation, first.due_s, first.parts)
        };
        let in_order = erasures.iter().zip(1..).all(|((_, _, erasure), part)| same(erasure) && erasure.part == part);
        if !in_order || erasures.len() != usize::from(first.parts) {
            return None;
        }
        let births = || erasures.iter().flat_map(|(_, _, erasure)| &erasure.births);
        let records = births().filter(|birth| birth.0 < REJECTED_NUMBERS).count() as u64;
        let tombstones = erasures.iter().map(|(_, _, erasure)| erasure.tombstones.len() as u64).sum();
        let certificate = Self {
            ledger,
            request: first.request.clone(),
            ground: first.ground.clone(),
            erased_s: *erased_s,
            entries: erasures.iter().map(|(sequence, _, _)| *sequence).collect(),
            epoch: first.epoch.0,
            records,
            consents,
            rejected: births().count() as u64 - records,
            tombstones,
            generation: first.generation,
            due_s: first.due_s,
            issued: time(issued_s),
        };
        (consents <= records).then_some(certificate)
    }

    /// The lines that can be compared.
    fn head(&self) -> String {
        let entries: Vec<String> = self.entries.iter().map(ToString::to_string).collect();
        let mut head =
            format!("{TITLE}\nledger: {}\nrequest: {}\nground: {}\n", self.ledger, self.request, self.ground);
        let lines = [
            ("erased", time(self.erased_s)),
            ("ledger entries", entries.join(", ")),
            ("epoch", self.epoch.to_string()),
            ("records", self.records.to_string()),
            ("of these consents", self.consents.to_string()),
            ("refused messages", self.rejected.to_string()),
            ("keyed hashes kept", self.tombstones.to_string()),
            ("key state generation", self.generation.to_string()),
            ("ciphertexts deleted by", time(self.due_s)),
            ("issued", self.issued.clone()),
        ];
        for (name, value) in lines {
            let _infallible = writeln!(head, "{name}: {value}");
        }
        head
    }

    /// The text that is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (erased, due, generation) = (time(self.erased_s), time(self.due_s), self.generation);
        format!(
            "{head}
What was done. The encryption keys of the records and refused messages counted above were destroyed. The key state of
generation {generation} and of every later one does not hold them, and nothing that it holds gives them. From epoch {epoch} on
no profile, value, link or permission rests on these records.

What is left until it is destroyed elsewhere. Copies of the key state of a generation before {generation}, such as backups
made before {erased}, still open the entries about these records. The erasure is complete when every
such copy has been destroyed; this certificate does not say that it has.

What is left until a date. The ciphertexts of these entries are deleted by {due} at the latest. Their
places, times, kinds and hashes stay, so that the ledger verifies as before.

What stays. Keyed hashes of the names of these records, and of identifiers that nobody else has, stay so that the records
are refused if they are delivered again. Whoever holds their key can test a guess against them; nobody can read a name or
identifier from them.

This certificate names no person.
",
            head = self.head(),
            epoch = self.epoch,
        )
    }

    /// The certificate, signed by these keys.
    ///
    /// # Errors
    /// [`crate::tlog::Error`] when the request or ground cannot stand in a note.
    pub fn sign(&self, keys: &[SigningKey]) -> Result<SignedNote, crate::tlog::Error> {
        let text = self.to_text();
        let signatures = keys.iter().map(|key| key.sign(&text)).collect::<Result<_, _>>()?;
        SignedNote::new(&text, signatures)
    }

    /// What a text certifies, when these erasure entries bear it out.
    pub(super) fn read(text: &str, ledger: LedgerId, erasures: &[(Sequence, u32, &Erasure)]) -> Option<Self> {
        let (head, _) = text.split_once("\n\n")?;
        let said = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let consents = said("of these consents")?.parse().ok()?;
        let issued = said("issued")?.to_owned();
        let certificate = Self { issued, ..Self::new(ledger, erasures, consents, 0)? };
        (certificate.head().strip_suffix('\n') == Some(head)).then_some(certificate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Birth, Epoch};

    fn erasure(part: u16) -> Erasure {
        Erasure {
            request: "DSR-7".into(),
            ground: "GDPR Art. 17(1)(a)".into(),
            epoch: Epoch(9),
            generation: 4,
            due_s: 2_000_000_000,
            part,
            parts: 2,
            births: vec![Birth(u64::from(part)), Birth(REJECTED_NUMBERS | u64::from(part))],
            tombstones: vec![1, 2, 3],
        }
    }

    #[test]
    fn only_what_the_entries_say_is_read() {
        let (one, two, ledger) = (erasure(1), erasure(2), LedgerId([7; 16]));
        let entries = [(Sequence(30), 1_900_000_000, &one), (Sequence(31), 1_900_000_000, &two)];
        let certificate = Certificate::new(ledger, &entries, 1, 1_900_000_100).unwrap();
        assert_eq!((certificate.records, certificate.rejected, certificate.tombstones), (2, 2, 6));
        let text = certificate.to_text();
        assert!(
            text.contains("\nledger entries: 30, 31\n") && text.contains("\nissued: 2030-03-17T17:48:20Z\n"),
            "{text}"
        );
        assert_eq!(Certificate::read(&text, ledger, &entries), Some(certificate));
        let head = text.split_once("\n\n").unwrap().0.to_owned();
        for (at, line) in head.lines().enumerate().filter(|(_, line)| !line.starts_with("issued")) {
            let other = head.lines().enumerate().map(|(n, l)| if n == at { format!("{l}0") } else { l.to_owned() });
            let other: Vec<String> = other.collect();
            assert_eq!(Certificate::read(&(other.join("\n") + "\n\nx\n"), ledger, &entries), None, "{line}");
        }
        assert_eq!(Certificate::new(ledger, &entries[..1], 0, 0), None, "a part is missing");
        assert_eq!(Certificate::new(ledger, &[entries[1], entries[0]], 0, 0), None);
    }
}
