//! `package.json`: what is in a package, so that it can be found. Nothing in it is signed: whoever verifies compares each
//! word with what the entries and notes say.
//!
//! The JSON is written out as types of its own; its names and forms are those of `VERIFY.md`.

use super::error::Error;
use super::{
    CERTIFICATE, CHECKPOINT, CONSISTENCY, EARLIER_CHECKPOINT, ENTRIES_MAX, FORMAT, GUIDE, KEYS_MAX, MANIFEST,
    PackageKind,
};
use crate::crypto::LedgerId;
use crate::encoding::hex;
use crate::ledger::{Kind, origin};
use crate::model::Sequence;
use crate::tlog::{KeyKind, VerifierKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bytes of the largest `package.json` that is read: enough for as many entries as there can be.
const BYTES_MAX: usize = 16 << 20;

/// The whole of it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    kind: String,
    ledger: String,
    vkeys: Vec<String>,
    entries: Vec<Row>,
}

/// One entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    sequence: u64,
    kind: String,
    time: String,
    logical: String,
    proof: String,
    body: Option<String>,
    key: Option<String>,
    redacted: bool,
}

/// What [`Manifest`] says, read.
pub(super) struct Contents {
    pub(super) kind: PackageKind,
    pub(super) ledger: LedgerId,
    pub(super) vkeys: Vec<VerifierKey>,
    /// Ascending.
    pub(super) entries: Vec<Listed>,
}

/// An entry as it is listed.
pub(super) struct Listed {
    pub(super) sequence: Sequence,
    pub(super) kind: Kind,
    pub(super) time: String,
    pub(super) has_body: bool,
    pub(super) key: Option<[u8; 32]>,
    pub(super) redacted: bool,
}

impl Listed {
    pub(super) fn logical(&self) -> String {
        format!("entries/{}.logical", self.sequence)
    }

    pub(super) fn proof(&self) -> String {
        format!("entries/{}.tlog-proof", self.sequence)
    }

    pub(super) fn body(&self) -> String {
        format!("entries/{}.body", self.sequence)
    }
}

/// An instant as it stands in a package: RFC 3339 in UTC, whole seconds.
pub(super) fn time(time_s: u32) -> String {
    jiff::Timestamp::from_second(time_s.into()).map_or_else(|_| time_s.to_string(), |time| time.to_string())
}

impl Contents {
    pub(super) fn to_json(&self) -> Result<Vec<u8>, Error> {
        let row = |entry: &Listed| Row {
            sequence: entry.sequence.0,
            kind: entry.kind.name().to_owned(),
            time: entry.time.clone(),
            logical: entry.logical(),
            proof: entry.proof(),
            body: entry.has_body.then(|| entry.body()),
            key: entry.key.as_ref().map(|key| hex::encode(key)),
            redacted: entry.redacted,
        };
        let manifest = Manifest {
            format: FORMAT.to_owned(),
            kind: self.kind.name().to_owned(),
            ledger: self.ledger.to_string(),
            vkeys: self.vkeys.iter().map(ToString::to_string).collect(),
            entries: self.entries.iter().map(row).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&manifest).map_err(|error| Error::unsound(MANIFEST, error))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads what stands in a package of any origin.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Error> {
        let wrong = |what: &str| Error::unsound(MANIFEST, what);
        if bytes.len() > BYTES_MAX {
            return Err(Error::TooLarge { what: "bytes of package.json", size: bytes.len(), size_max: BYTES_MAX });
        }
        let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| Error::unsound(MANIFEST, error))?;
        if manifest.format != FORMAT {
            return Err(wrong("its format is another one than `onefold-disclosure/v1`"));
        }
        let kind = PackageKind::from_name(&manifest.kind).ok_or_else(|| wrong("its kind is not known"))?;
        let ledger = hex::decode(manifest.ledger.as_bytes()).map(LedgerId);
        let ledger = ledger.ok_or_else(|| wrong("the ledger's id is not 32 hexadecimal digits"))?;
        if manifest.entries.len() > ENTRIES_MAX || manifest.vkeys.len() > KEYS_MAX {
            return Err(wrong("it lists more entries or keys than a package can have"));
        }
        let key = |text: &String| {
            let key = VerifierKey::parse(text.as_bytes()).map_err(|error| Error::unsound(MANIFEST, error))?;
            let own = key.name() == origin(ledger) && key.kind() == KeyKind::Ed25519;
            if own { Ok(key) } else { Err(wrong("a key is not one of this ledger")) }
        };
        let vkeys = manifest.vkeys.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        let entries = manifest.entries.iter().map(listed).collect::<Result<Vec<_>, _>>()?;
        if !entries.is_sorted_by(|a, b| a.sequence < b.sequence) {
            return Err(wrong("its entries do not ascend"));
        }
        Ok(Self { kind, ledger, vkeys, entries })
    }

    /// The names that the files of the package must have, all of them and no other; the first is one that is missing or
    /// too many.
    pub(super) fn check_names<'n>(&self, names: impl Iterator<Item = &'n str>) -> Result<(), Error> {
        let mut expected: BTreeSet<String> = [GUIDE, MANIFEST, CHECKPOINT].map(str::to_owned).into();
        if self.kind == PackageKind::Certificate {
            expected.insert(CERTIFICATE.to_owned());
        }
        for entry in &self.entries {
            expected.extend([entry.logical(), entry.proof()]);
            expected.extend(entry.has_body.then(|| entry.body()));
        }
        let mut earlier = [EARLIER_CHECKPOINT, CONSISTENCY].map(|_| false);
        for name in names {
            match name {
                EARLIER_CHECKPOINT => earlier[0] = true,
                CONSISTENCY => earlier[1] = true,
                _ if expected.remove(name) => {}
                _ => return Err(Error::unsound(name, "no package of this content has such a file")),
            }
        }
        if let Some(name) = expected.first() {
            return Err(Error::unsound(name, "it is missing"));
        }
        match earlier {
            [true, false] => Err(Error::unsound(CONSISTENCY, "it is missing")),
            [false, true] => Err(Error::unsound(EARLIER_CHECKPOINT, "it is missing")),
            _ => Ok(()),
        }
    }
}

fn listed(row: &Row) -> Result<Listed, Error> {
    let wrong = |what: &str| Error::unsound(MANIFEST, format!("entry {}: {what}", row.sequence));
    let kind = Kind::from_name(&row.kind).ok_or_else(|| wrong("its kind is not known"))?;
    let key = row.key.as_ref().map(|key| hex::decode(key.as_bytes()));
    let key = match key {
        Some(None) => return Err(wrong("its key is not 64 hexadecimal digits")),
        Some(key) => key,
        None => None,
    };
    let entry = Listed {
        sequence: Sequence(row.sequence),
        kind,
        time: row.time.clone(),
        has_body: row.body.is_some(),
        key,
        redacted: row.redacted,
    };
    let names = row.logical == entry.logical() && row.proof == entry.proof();
    if !names || row.body.as_ref().is_some_and(|body| *body != entry.body()) {
        return Err(wrong("its files have other names than those of its sequence"));
    }
    if entry.redacted == entry.has_body {
        return Err(wrong("it has a body and is redacted, or neither"));
    }
    if entry.key.is_some() && (kind.is_clear() || entry.redacted) {
        return Err(wrong("it has a key and nothing that the key would open"));
    }
    Ok(entry)
}
