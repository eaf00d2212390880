//! Why a value was not taken, as stable codes for the ledger and plain words for people.
//!
//! A reason never carries the value. INVARIANT: a code that was once given to a reason is never given to another.

use crate::model::FieldIndex;
use std::fmt;

/// A value of a record that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issue {
    /// Which field of the source.
    pub field: FieldIndex,
    /// What is wrong with it.
    pub reason: Reason,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $words:literal;)*) => {
        /// What is wrong with a value and what would be right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Reason {
            $($(#[$doc])* $name = $code,)*
        }

        impl Reason {
            /// Every reason, by ascending code.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The number under which it is stored.
            pub fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// The reason of this code.
            pub fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// One lowercase line for people, without the value.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)*
                }
            }
        }
    };
}

reasons! {
    /// `n/a`, `unknown`, `0000-00-00`: somebody had to write something.
    Placeholder = 1, "a placeholder, not a value: leave the field empty when nothing is known";
    /// On the list of a kind of identifier in the bundle.
    Blocked = 2, "the bundle blocks this value, so it neither identifies nor counts: see `blocked` of the kind";
    /// More text than any value of its sort has.
    TooLong = 3, "longer than any such value may be: at most 1,024 bytes, 254 for an e-mail address";
    /// An object or array.
    NotScalar = 4, "an object or array where one value is expected: map a field inside it instead";
    /// A number or boolean where text is expected.
    WrongType = 5, "a number or boolean where text is expected: send it as a string";
    /// Control characters inside, or characters that cannot be seen inside an identifier.
    HiddenCharacters = 6, "contains control or invisible characters: remove them at the source";
    /// Not `local@domain`.
    EmailSyntax = 10, "not an e-mail address: expected `name@example.com`";
    /// The part after the `@` cannot be a domain.
    EmailDomain = 11, "the domain of the e-mail address cannot exist: expected at least two labels such as `example.com`";
    /// No number to be found.
    PhoneSyntax = 20, "not a phone number: expected digits, best as `+`, country code and number";
    /// In national form, and nothing says of which country.
    PhoneRegion = 21, "a national phone number without a country: send `+` and the country code, map a country, or set `region` of the source";
    /// No such number can be dialled there.
    PhoneInvalid = 22, "no such phone number exists in its country: check length and area code";
    /// All the same digit, or digits that count up.
    PhonePattern = 23, "a phone number of repeated or ascending digits is taken for a placeholder";
    /// Digits or signs only.
    NameWithoutLetters = 30, "a name without a letter: expected a person's name";
    /// An e-mail address, link or markup.
    NameIsAddress = 31, "an e-mail address, link or markup where a name is expected: check the mapping of the field";
    /// Nothing but a title such as `Dr`.
    NameIsTitle = 32, "a title without a name";
    /// Not in a form that is read.
    DateSyntax = 40, "not a date: expected `YYYY-MM-DD`";
    /// Day and month cannot be told apart.
    DateAmbiguous = 41, "day and month cannot be told apart: send `YYYY-MM-DD`";
    /// Outside 1900 to 2100.
    DateRange = 42, "a date outside of the years 1900 to 2100";
    /// Two digits for the year.
    DateCentury = 43, "a year of two digits does not say its century: send `YYYY-MM-DD`";
    /// Not in a form that is read.
    TimeSyntax = 50, "not a time: expected RFC 3339 such as `2025-01-31T09:30:00Z`, or an epoch number";
    /// Outside 1900 to 9999.
    TimeRange = 51, "a time outside of the years 1900 to 9999";
    /// No such country.
    CountryUnknown = 60, "no known country: expected an ISO 3166-1 code such as `DE`, or a country's name";
    /// Nothing that could be a street or town.
    AddressSyntax = 70, "not a part of a postal address: expected letters or digits";
    /// Characters or a length that no postal code has.
    PostcodeSyntax = 71, "not a postal code: expected at most 12 letters, digits, blanks and hyphens";
    /// Not a handle.
    HandleSyntax = 80, "not a handle: expected letters, digits, `_`, `-` and `.`, without blanks";
    /// Not a domain.
    DomainSyntax = 81, "not a domain: expected at least two labels such as `example.com`";
    /// Not a number.
    NumberSyntax = 90, "not a number: expected digits with at most one decimal point and no separators";
    /// Does not fit.
    NumberRange = 91, "a number too large to be kept exactly";
    /// A fraction where whole numbers are expected.
    NumberFraction = 92, "a number with a fraction where a whole number is expected";
    /// Neither true nor false.
    BooleanSyntax = 93, "neither true nor false: expected `true` or `false`";
    /// Of several purposes of a consent.
    PurposeUnknown = 100, "of the purposes of this consent, one that the bundle does not have: only the others count";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_read_back_ascend_and_say_something() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert!(reason.to_string().len() > 15 && !reason.words().contains('\n'));
        }
        assert!(Reason::ALL.windows(2).all(|pair| pair[0].code() < pair[1].code()));
        assert_eq!(Reason::from_code(0), None);
        assert_eq!(Reason::from_code(255), None);
    }
}
