//! Codes of regions, which others keep.
//!
//! INVARIANT: the list is sorted and in step with the edition named above it.

/// ISO 3166-1 alpha-2, the 249 officially assigned codes.
const REGIONS: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Whether this is a region, in capitals.
pub(super) fn is_region(code: &str) -> bool {
    REGIONS.split_whitespace().any(|region| region == code)
}

#[cfg(test)]
mod tests {
    use super::{REGIONS, is_region};

    #[test]
    fn regions_are_whole_and_sorted() {
        let codes: Vec<&str> = REGIONS.split_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted());
    }

    #[test]
    fn regions_are_found_as_they_are_written() {
        assert!(is_region("DE") && is_region("GB"));
        assert!(!is_region("UK") && !is_region("de") && !is_region(""));
    }
}
