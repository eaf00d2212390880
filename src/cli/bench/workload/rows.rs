//! What each of the systems writes down: Debezium envelopes, Segment calls, CSV rows, consents.
//!
//! Text is written straight into a buffer. INVARIANT: no invented value holds a quote, a backslash, a comma or a
//! control character, so that neither JSON nor CSV needs escaping; a test reads every line back.

use super::history::{Moment, Record, System};
use super::person::{Person, Population};
use super::random::{Random, Topic};
use super::words::{EVENTS, PURPOSES};
use std::fmt::Write;

/// Share of records that carry another person's e-mail address.
const BRIDGE: f64 = 0.002;
/// 2025-01-01T00:00:00Z in seconds since 1970.
const EPOCH_SECONDS: u64 = 1_735_689_600;

/// The columns of `newsletter.csv`.
pub(super) const NEWSLETTER_HEADER: &str = "subscriber_id,email,name,language,opens,clicks";
/// The columns of `social.csv`.
pub(super) const SOCIAL_HEADER: &str = "handle,network,email,phone,display_name,followers";

impl Population {
    /// Writes `"<system's id>"` without the quotes.
    pub(super) fn write_id(&self, out: &mut String, record: &Record) {
        match record.system {
            System::Social => self.write_handle(out, &self.person(record.person)),
            system => {
                let _ = write!(out, "{}{}", system.prefix(), record.serial);
            }
        }
    }

    /// Writes what the system emits when this record is first seen, or, for a row of a table, with the contents of a
    /// later version of it.
    pub(super) fn write_arrival(&self, out: &mut String, record: &Record, slot: u64, moment: Moment) {
        match record.system {
            System::Web | System::App => self.write_segment(out, record, slot, moment),
            System::Newsletter | System::Social => self.write_row(out, record, slot),
            _ => self.write_debezium(out, record, None, Some(slot), moment),
        }
    }

    /// Writes a Debezium envelope; `before` and `after` are the slots that the contents were invented at.
    pub(super) fn write_debezium(
        &self,
        out: &mut String,
        record: &Record,
        before: Option<u64>,
        after: Option<u64>,
        moment: Moment,
    ) {
        for (key, slot) in [("{\"before\":", before), (",\"after\":", after)] {
            out.push_str(key);
            match slot {
                Some(slot) => self.write_row(out, record, slot),
                None => out.push_str("null"),
            }
        }
        let (name, table) = (record.system.name(), record.system.table());
        let (lsn, tx, ts) = (moment.lsn, moment.lsn / 3, (EPOCH_SECONDS + moment.seconds) * 1000);
        let op = match (before, after) {
            (None, _) => 'c',
            (_, Some(_)) => 'u',
            (_, None) => 'd',
        };
        let _ = write!(
            out,
            ",\"source\":{{\"version\":\"3.0.0.Final\",\"connector\":\"postgresql\",\"name\":\"{name}\",\
             \"ts_ms\":{ts},\"snapshot\":\"false\",\"db\":\"{name}\",\"schema\":\"public\",\"table\":\"{table}\",\
             \"txId\":{tx},\"lsn\":{lsn}}},\"op\":\"{op}\",\"ts_ms\":{}}}",
            ts + 5
        );
    }

    /// Writes the row of a table as JSON, or that of a CSV export.
    fn write_row(&self, out: &mut String, record: &Record, slot: u64) {
        let mut r = Random::of(self.seed, Topic::Row, slot);
        let person = self.person(record.person);
        let bridge = r.chance(BRIDGE).then(|| self.person(r.below(self.people)));
        let mut row = Row { population: self, person: &person, bridge: bridge.as_ref(), slot, r, out };
        match record.system {
            System::Crm => row.crm(record.serial),
            System::Shop => row.shop(record.serial),
            System::Support => row.support(record.serial),
            System::Newsletter => row.newsletter(record.serial),
            System::Social => row.social(),
            System::Web | System::App => {}
        }
    }

    fn write_segment(&self, out: &mut String, record: &Record, slot: u64, moment: Moment) {
        let r = Random::of(self.seed, Topic::Row, slot);
        let person = self.person(record.person);
        let mut row = Row { population: self, person: &person, bridge: None, slot, r, out };
        row.segment(record, moment);
    }

    /// Writes a consent event. `status` is drawn when it is not given.
    pub(super) fn write_consent(&self, out: &mut String, consent: &super::history::Consent) {
        let mut r = Random::of(self.seed, Topic::Consent, consent.number);
        let person = self.person(consent.person);
        let _ = write!(out, "{{\"consent_id\":\"consent-{}\",\"subject\":{{", consent.number);
        if r.chance(0.8) {
            out.push_str("\"email\":\"");
            self.write_email(out, &person, r.below(person.emails()));
        } else {
            let _ = write!(out, "\"account_id\":\"A{:08}", person.number);
        }
        let drawn = r.chance(0.8);
        let given = consent.given.unwrap_or(drawn);
        let (purpose, status) = (r.pick(PURPOSES), if given { "given" } else { "withdrawn" });
        let _ = write!(out, "\"}},\"purpose\":\"{purpose}\",\"status\":\"{status}\",\"at\":\"");
        write_time(out, consent.moment.seconds);
        let (law, collector) = (person.place.law, r.pick(&["web_form", "call_centre", "app"]));
        let _ = write!(
            out,
            "\",\"jurisdiction\":\"{law}\",\"notice\":\"privacy-notice-2025-01\",\"collected_by\":\"{collector}\""
        );
        if given && r.chance(0.5) {
            out.push_str(",\"expires_at\":\"");
            write_time(out, consent.moment.seconds + r.between(30, 730) * 86_400);
            out.push('"');
        }
        out.push('}');
    }

    /// Writes the row of a firm.
    pub(super) fn write_firm(&self, out: &mut String, firm: u64) {
        let mut r = Random::of(self.seed, Topic::Firm, firm);
        let (industry, employees) = (r.pick(&["retail", "software", "health", "energy"]), r.between(3, 9000));
        let country = r.pick(&["DE", "US", "GB", "FR"]);
        let _ = write!(out, "firm{firm}.example,Firm{firm} Ltd,{industry},{employees},{country}");
    }
}

/// A row that is being written.
struct Row<'a> {
    population: &'a Population,
    person: &'a Person,
    bridge: Option<&'a Person>,
    slot: u64,
    r: Random,
    out: &'a mut String,
}

impl Row<'_> {
    /// Writes an e-mail address, or that of another person.
    fn email(&mut self) {
        match self.bridge {
            Some(other) => self.population.write_email(self.out, other, 0),
            None => self.population.write_email_noisy(self.out, self.person, self.slot, &mut self.r),
        }
    }

    fn phone(&mut self) {
        self.person.write_phone_noisy(self.out, &mut self.r);
    }

    /// Writes `"key":"…"` with what `value` writes, or `"key":null` when it is absent.
    fn json(&mut self, key: &str, present: bool, value: impl FnOnce(&mut Self)) {
        let _ = write!(self.out, "\"{key}\":");
        if !present {
            return self.out.push_str("null");
        }
        self.out.push('"');
        value(self);
        self.out.push('"');
    }

    fn account(&mut self) {
        let _ = write!(self.out, "A{:08}", self.person.number);
    }

    fn crm(&mut self, serial: u32) {
        let _ = write!(self.out, "{{\"id\":\"crm-{serial}\",");
        let (phone, account, company) = (self.r.chance(0.8), self.r.chance(0.6), self.r.chance(0.3));
        self.json("email", true, Self::email);
        self.out.push(',');
        self.json("phone", phone, Self::phone);
        self.out.push(',');
        self.json("account_id", account, Self::account);
        let (first, last) = self.person.name_noisy(&mut self.r);
        let (p, (year, month, day)) = (self.person, self.person.born);
        let _ = write!(
            self.out,
            ",\"first_name\":\"{first}\",\"last_name\":\"{last}\",\"date_of_birth\":\"{year}-{month:02}-{day:02}\",\"street\":\""
        );
        p.write_street(self.out);
        let (place, city, postcode) = (p.place, p.city, p.postcode);
        let _ = write!(
            self.out,
            "\",\"city\":\"{city}\",\"postcode\":\"{postcode}\",\"country\":\"{}\",\"jurisdiction\":\"{}\",",
            place.country, place.law
        );
        self.json("company", company, |row| {
            let _ = write!(row.out, "firm{}.example", row.person.firm);
        });
        let stage = self.r.pick(&["lead", "customer", "churned"]);
        let _ = write!(self.out, ",\"lifecycle_stage\":\"{stage}\"}}");
    }

    fn shop(&mut self, serial: u32) {
        let _ = write!(self.out, "{{\"order_id\":\"ord-{serial}\",");
        let (account, phone) = (self.r.chance(0.8), self.r.chance(0.3));
        self.json("account_id", account, Self::account);
        self.out.push(',');
        self.json("email", true, Self::email);
        self.out.push(',');
        self.json("phone", phone, Self::phone);
        let (first, last) = self.person.name_noisy(&mut self.r);
        let _ = write!(self.out, ",\"ship_name\":\"{first} {last}\",\"ship_street\":\"");
        let p = self.person;
        p.write_street(self.out);
        let currency = if p.place.law == "EU" { "EUR" } else { "USD" };
        let (cents, status) = (self.r.between(500, 40_000), self.r.pick(&["paid", "shipped", "returned"]));
        let _ = write!(
            self.out,
            "\",\"ship_city\":\"{}\",\"ship_postcode\":\"{}\",\"ship_country\":\"{}\",\"total_cents\":{cents},\
             \"currency\":\"{currency}\",\"status\":\"{status}\"}}",
            p.city, p.postcode, p.place.country
        );
    }

    fn support(&mut self, serial: u32) {
        let by_mail = self.r.chance(0.6);
        let _ = write!(self.out, "{{\"ticket_id\":\"tkt-{serial}\",");
        self.json("requester_email", by_mail, Self::email);
        self.out.push(',');
        self.json("requester_phone", !by_mail, Self::phone);
        let (first, last) = self.person.name_noisy(&mut self.r);
        let subject = self.r.pick(&["refund", "delivery", "login", "invoice", "complaint"]);
        let status = self.r.pick(&["open", "solved"]);
        let satisfaction = self.r.pick(&["null", "1", "2", "3", "4", "5"]);
        let _ = write!(
            self.out,
            ",\"requester_name\":\"{first} {last}\",\"subject\":\"{subject}\",\"status\":\"{status}\",\
             \"satisfaction\":{satisfaction}}}"
        );
    }

    fn newsletter(&mut self, serial: u32) {
        let _ = write!(self.out, "sub-{serial},");
        self.email();
        let (first, last) = self.person.name_noisy(&mut self.r);
        let language = match self.person.place.country {
            "DE" => "de",
            "FR" => "fr",
            "ES" => "es",
            "BR" => "pt",
            _ => "en",
        };
        let (opens, clicks) = (self.r.below(40), self.r.below(10));
        let _ = write!(self.out, ",{first} {last},{language},{opens},{clicks}");
    }

    fn social(&mut self) {
        self.population.write_handle(self.out, self.person);
        let network = self.r.pick(&["mastodon", "linkedin"]);
        let _ = write!(self.out, ",{network},");
        if self.r.chance(0.5) {
            self.email();
        }
        self.out.push(',');
        if self.r.chance(0.3) {
            self.phone();
        }
        let (first, last, followers) = (self.person.first(), self.person.last(), self.r.below(5000));
        let _ = write!(self.out, ",{first} {last},{followers}");
    }

    fn segment(&mut self, record: &Record, moment: Moment) {
        let identify = self.r.chance(0.4);
        let (kind, name) = (if identify { "identify" } else { "track" }, record.system.name());
        let (number, serial) = (self.person.number, record.serial);
        let _ = write!(self.out, "{{\"type\":\"{kind}\",\"messageId\":\"{name}-{serial}\",\"timestamp\":\"");
        write_time(self.out, moment.seconds);
        let device = self.r.below(self.person.devices);
        let _ = write!(self.out, "\",\"anonymousId\":\"dev-{number}-{device}\"");
        if identify {
            let _ = write!(self.out, ",\"userId\":\"A{number:08}\",\"traits\":{{");
            self.json("email", true, Self::email);
            let (first, last) = (self.person.first(), self.person.last());
            let _ = write!(self.out, ",\"firstName\":\"{first}\",\"lastName\":\"{last}\",");
            let phone = self.r.chance(0.4);
            self.json("phone", phone, Self::phone);
            let (city, country) = (self.person.city, self.person.place.country);
            let _ = write!(self.out, ",\"address\":{{\"city\":\"{city}\",\"country\":\"{country}\"}}}}");
        } else {
            if self.r.chance(0.3) {
                let _ = write!(self.out, ",\"userId\":\"A{number:08}\"");
            }
            let (event, cents) = (self.r.pick(EVENTS), self.r.below(10_001));
            let category = self.r.pick(&["shoes", "books", "music", "garden"]);
            let (whole, tenth, hundredth) = (cents / 100, cents / 10 % 10, cents % 10);
            let _ = write!(self.out, ",\"event\":\"{event}\",\"properties\":{{\"value\":{whole}.{tenth}");
            if hundredth != 0 {
                let _ = write!(self.out, "{hundredth}");
            }
            let _ = write!(self.out, ",\"category\":\"{category}\"}}");
        }
        let host = self.r.between(1, 255);
        let _ = write!(self.out, ",\"context\":{{\"library\":{{\"name\":\"{name}\"}},\"ip\":\"203.0.113.{host}\"}}}}");
    }
}

/// Writes seconds since the start of 2025 as RFC 3339 in UTC. Days to a date after Howard Hinnant's `civil_from_days`.
fn write_time(out: &mut String, seconds: u64) {
    let (days, rest) = ((EPOCH_SECONDS + seconds) / 86_400 + 719_468, (EPOCH_SECONDS + seconds) % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        for seconds in [0, 36, 58 * 86_400 + 86_399, 59 * 86_400, 400 * 86_400 + 1, 1_154 * 86_400, 1_155 * 86_400] {
            let mut written = String::new();
            write_time(&mut written, seconds);
            let at = jiff::Timestamp::from_second((EPOCH_SECONDS + seconds) as i64).expect("in range");
            assert_eq!(written, at.to_string());
        }
    }
}
