//! The words of other vocabularies for what a bundle says: fideslang, by which others label data, and the personal data
//! categories of DPV.
//!
//! INVARIANT: every purpose and every category has a word; where fideslang has none of its own, that of the nearest broader
//! term.

use super::dpv;
use crate::model::Category;

/// Terms of DPV and fideslang's data uses. A term that is not here has the one of the nearest term above it.
const USES: &[(&str, &str)] = &[
    ("AccountManagement", "essential.service.operations"),
    ("Advertising", "marketing.advertising"),
    ("CommercialPurpose", "operations"),
    ("CommunicationForCustomerCare", "essential.service.operations.support"),
    ("CommunicationManagement", "essential.service.notifications"),
    ("CustomerCare", "essential.service.operations.support"),
    ("CustomerManagement", "operations"),
    ("CustomerOrderManagement", "essential.service"),
    ("CustomerSolvencyMonitoring", "finance"),
    ("DataSecurityManagement", "essential.service.security"),
    ("DirectMarketing", "marketing.communications"),
    ("EnforceSecurity", "essential.service.security"),
    ("EstablishContractualAgreement", "essential.service"),
    ("FraudPreventionAndDetection", "essential.fraud_detection"),
    ("FulfilmentOfContractualObligation", "essential.service"),
    ("FulfilmentOfObligation", "essential.legal_obligation"),
    ("HumanResourceManagement", "employment"),
    ("IdentityAuthentication", "essential.service.authentication"),
    ("ImproveExistingProductsAndServices", "functional.service.improve"),
    ("LegalCompliance", "essential.legal_obligation"),
    ("Marketing", "marketing"),
    ("MisusePreventionAndDetection", "essential.fraud_detection"),
    ("NonCommercialPurpose", "operations"),
    ("OrganisationGovernance", "operations"),
    ("PaymentManagement", "essential.service.payment_processing"),
    ("Personalisation", "personalize"),
    ("PersonalisedAdvertising", "marketing.advertising.first_party.targeted"),
    ("PersonnelHiring", "employment.recruitment"),
    ("ProvidePersonalisedRecommendations", "personalize.content.profiled"),
    ("PublicBenefit", "operations"),
    ("RecordManagement", "operations"),
    ("ResearchAndDevelopment", "functional.service.improve"),
    ("RightsFulfilment", "essential.legal_obligation"),
    ("SellDataToThirdParties", "third_party_sharing"),
    ("SellProducts", "sales"),
    ("ServiceManagement", "functional.service"),
    ("ServiceMonitoring", "analytics.reporting.system"),
    ("ServiceOptimisation", "functional.service.improve"),
    ("ServicePersonalisation", "personalize.content"),
    ("ServiceProvision", "essential.service"),
    ("ServiceUsageAnalytics", "analytics"),
    ("SocialMediaMarketing", "marketing.communications"),
    ("TargetedAdvertising", "marketing.advertising.third_party.targeted"),
    ("UserInterfacePersonalisation", "personalize.system"),
    ("VendorManagement", "operations"),
    ("Verification", "essential.service.authentication"),
];

/// The data use of fideslang for a purpose of DPV, such as `marketing.communications` for `dpv:DirectMarketing`.
pub fn data_use(dpv_term: &str) -> &'static str {
    // Level by level, so that the nearest term wins.
    let mut level = vec![dpv_term.strip_prefix("dpv:").unwrap_or(dpv_term)];
    while !level.is_empty() {
        let found = level.iter().find_map(|term| USES.iter().find(|(known, _)| known == term));
        if let Some((_, data_use)) = found {
            return data_use;
        }
        level = level.into_iter().flat_map(dpv::parents).collect();
    }
    "operations"
}

/// The data category of fideslang for a category of a bundle, such as `user.contact`.
pub fn data_category(category: Category) -> &'static str {
    match category {
        Category::Identity => "user.name",
        Category::Contact => "user.contact",
        Category::Location => "user.location",
        Category::Technical => "user.device",
        Category::Behaviour => "user.behavior",
        Category::Transaction => "user.behavior.purchase_history",
        Category::Preference => "user.demographic.profile",
        Category::Professional => "user.workplace",
        Category::Financial => "user.financial",
        Category::Health => "user.health_and_medical",
        Category::Biometric => "user.biometric",
        Category::Genetic => "user.health_and_medical.genetic",
        Category::Beliefs => "user.demographic.religious_belief",
        Category::Political => "user.demographic.political_opinion",
        // Fideslang has no word for it.
        Category::UnionMembership => "user.demographic",
        Category::Ethnicity => "user.demographic.race_ethnicity",
        Category::SexLife => "user.demographic.sexual_orientation",
        Category::Criminal => "user.criminal_history",
    }
}

/// The term of DPV's personal data categories (`https://w3id.org/dpv/pd`), such as `pd:Contact`.
pub fn personal_data_term(category: Category) -> &'static str {
    match category {
        Category::Identity => "pd:Identifying",
        Category::Contact => "pd:Contact",
        Category::Location => "pd:Location",
        Category::Technical => "pd:DeviceBased",
        Category::Behaviour => "pd:Behavioural",
        Category::Transaction => "pd:Transactional",
        Category::Preference => "pd:Preference",
        Category::Professional => "pd:Professional",
        Category::Financial => "pd:Financial",
        Category::Health => "pd:Health",
        Category::Biometric => "pd:Biometric",
        Category::Genetic => "pd:Genetic",
        Category::Beliefs => "pd:KnowledgeBelief",
        Category::Political => "pd:PoliticalOpinion",
        Category::UnionMembership => "pd:TradeUnionMembership",
        Category::Ethnicity => "pd:EthnicOrigin",
        Category::SexLife => "pd:Sexual",
        Category::Criminal => "pd:Criminal",
    }
}

#[cfg(test)]
mod tests {
    use super::{USES, data_use};
    use crate::policy::dpv;

    #[test]
    fn every_purpose_has_a_data_use() {
        assert!(USES.is_sorted() && USES.iter().all(|(term, _)| dpv::purposes().any(|known| known == *term)));
        for term in dpv::purposes().filter(|term| dpv::parents(term).next().is_none()) {
            assert!(USES.iter().any(|(known, _)| *known == term), "{term}");
        }
        for (term, expected) in [
            ("dpv:DirectMarketing", "marketing.communications"),
            ("dpv:RecruitmentInterviewScheduling", "employment.recruitment"),
            ("dpv:SellInsightsFromData", "sales"),
            ("dpv:RightsFulfilment", "essential.legal_obligation"),
        ] {
            assert_eq!(data_use(term), expected, "{term}");
        }
    }
}
