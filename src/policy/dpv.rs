//! Purposes of the W3C Data Privacy Vocabulary and how they lie below each other.
//!
//! INVARIANT: the table is sorted, its parents stand in it, and it has no cycle. It is part of the digest of every bundle
//! through `DATA_VERSION`, because policies speak of whole branches of it.

/// The terms below `dpv:Purpose` of version 2.3, each with its broader terms (W3C Software and Document licence).
const PURPOSES: &str = "\
    AcademicResearch:ResearchAndDevelopment AccountManagement Advertising:Marketing AgeVerification:Verification \
    CombatClimateChange:PublicBenefit CommercialPurpose CommercialResearch:CommercialPurpose+ResearchAndDevelopment \
    CommunicationForCustomerCare:CommunicationManagement+CustomerCare CommunicationManagement \
    CounterMoneyLaundering:FraudPreventionAndDetection Counterterrorism:PublicBenefit \
    CustomerCare:CustomerManagement CustomerClaimsManagement:CustomerManagement CustomerManagement \
    CustomerOrderManagement:CustomerManagement CustomerRelationshipManagement:CustomerManagement \
    CustomerSolvencyMonitoring:CustomerManagement DataAltruism:PublicBenefit \
    DataAvailabilityAssessment:DataGovernance DataGovernance:OrganisationGovernance \
    DataInteroperabilityAssessment:DataInteroperabilityManagement \
    DataInteroperabilityImprovement:DataInteroperabilityManagement DataInteroperabilityManagement:DataGovernance \
    DataInventoryManagement:DataGovernance DataQualityAssessment:DataQualityManagement \
    DataQualityImprovement:DataQualityManagement DataQualityManagement:DataGovernance \
    DataSecurityManagement:DataGovernance DataSuitabilityAssessment:DataQualityAssessment \
    DeliveryOfGoods:RequestedServiceProvision DirectMarketing:Marketing DisputeManagement:OrganisationGovernance \
    EnforceAccessControl:EnforceSecurity EnforceSecurity EstablishContractualAgreement \
    FraudPreventionAndDetection:MisusePreventionAndDetection \
    FulfilmentOfContractualObligation:FulfilmentOfObligation FulfilmentOfObligation HumanResourceManagement \
    IdentityAuthentication:EnforceSecurity IdentityVerification:Verification \
    ImproveExistingProductsAndServices:OptimisationForController ImproveHealthcare:PublicBenefit \
    ImproveInternalCRMProcesses:CustomerRelationshipManagement+OptimisationForController \
    ImprovePublicServices:PublicBenefit ImproveTransportMobility:PublicBenefit \
    IncreaseServiceRobustness:OptimisationForController InternalResourceOptimisation:OptimisationForController \
    LegalCompliance:FulfilmentOfObligation MaintainFraudDatabase:FraudPreventionAndDetection Marketing \
    MemberPartnerManagement:OrganisationGovernance MetadataManagement:DataGovernance \
    MisusePreventionAndDetection:EnforceSecurity NonCommercialPurpose \
    NonCommercialResearch:NonCommercialPurpose+ResearchAndDevelopment OptimisationForConsumer:ServiceOptimisation \
    OptimisationForController:ServiceOptimisation OptimiseUserInterface:OptimisationForConsumer \
    OrganisationComplianceManagement:OrganisationGovernance OrganisationGovernance \
    OrganisationRiskManagement:OrganisationGovernance PaymentManagement:ServiceManagement Personalisation \
    PersonalisedAdvertising:Advertising+Personalisation PersonalisedBenefits:ServicePersonalisation \
    PersonnelBehaviourMonitoring:PersonnelMonitoring PersonnelHiring:PersonnelManagement \
    PersonnelManagement:HumanResourceManagement PersonnelMonitoring:PersonnelManagement \
    PersonnelOffboarding:PersonnelManagement PersonnelOnboarding:PersonnelHiring \
    PersonnelPayment:PersonnelManagement PersonnelPerformanceEvaluation:PersonnelPerformanceManagement \
    PersonnelPerformanceManagement:PersonnelManagement+PersonnelMonitoring \
    PersonnelPerformanceMonitoring:PersonnelMonitoring+PersonnelPerformanceManagement \
    PersonnelPerformancePrediction:PersonnelPerformanceManagement PersonnelPromotionManagement:PersonnelManagement \
    PersonnelTerminationManagement:PersonnelManagement PersonnelWorkloadManagement:PersonnelManagement \
    PoliticalCampaign:Advertising+Personalisation ProtectionOfIPR:FulfilmentOfObligation \
    ProtectionOfNationalSecurity:PublicBenefit ProtectionOfPublicSecurity:PublicBenefit \
    ProvideEventRecommendations:ProvidePersonalisedRecommendations ProvideOfficialStatistics:PublicBenefit \
    ProvidePersonalisedRecommendations:ServicePersonalisation \
    ProvideProductRecommendations:ProvidePersonalisedRecommendations PublicBenefit PublicPolicyMaking:PublicBenefit \
    PublicRelations:Marketing RecordManagement RecruitmentAdvertising:Advertising+PersonnelHiring \
    RecruitmentApplicantBackgroundCheck:RecruitmentManagement \
    RecruitmentApplicantCriminalBackgroundCheck:RecruitmentManagement \
    RecruitmentApplicantInformationAuthentication:RecruitmentManagement \
    RecruitmentApplicantSelection:RecruitmentManagement \
    RecruitmentApplicationAnalysis:RecruitmentApplicationManagement \
    RecruitmentApplicationManagement:RecruitmentManagement \
    RecruitmentApplicationScreening:RecruitmentApplicationManagement \
    RecruitmentInterviewAnalysis:RecruitmentInterviewManagement \
    RecruitmentInterviewAssessment:RecruitmentInterviewManagement \
    RecruitmentInterviewManagement:RecruitmentManagement \
    RecruitmentInterviewScheduling:RecruitmentInterviewManagement RecruitmentManagement:PersonnelHiring \
    RecruitmentTargetedAdvertising:RecruitmentAdvertising+TargetedAdvertising RepairImpairments:ServiceManagement \
    RequestedServiceProvision:ServiceProvision ResearchAndDevelopment RightsFulfilment \
    ScientificResearch:ResearchAndDevelopment SearchFunctionalities:ServiceProvision \
    SellDataToThirdParties:SellProducts SellInsightsFromData:SellProducts SellProducts:ServiceProvision \
    SellProductsToDataSubject:SellProducts ServiceAccessDetermination:ServiceManagement ServiceManagement \
    ServiceMonitoring:ServiceManagement ServiceOptimisation:ServiceManagement \
    ServicePersonalisation:Personalisation+ServiceManagement ServiceProvision:ServiceManagement \
    ServiceRegistration:ServiceManagement ServiceUsageAnalytics:ServiceMonitoring SocialMediaMarketing:Marketing \
    TargetedAdvertising:PersonalisedAdvertising TechnicalServiceProvision:ServiceProvision \
    UserInterfacePersonalisation:ServicePersonalisation VendorManagement VendorPayment:VendorManagement \
    VendorRecordsManagement:VendorManagement VendorSelectionAssessment:VendorManagement \
    Verification:EnforceSecurity";

/// The terms below `dpv:Purpose`, without the prefix.
pub(super) fn purposes() -> impl Iterator<Item = &'static str> {
    PURPOSES.split_whitespace().map(|entry| entry.split(':').next().unwrap_or(entry))
}

/// The broader terms of a term; none for those that lie directly below `dpv:Purpose`.
pub(super) fn parents(term: &str) -> impl Iterator<Item = &'static str> {
    let entry = PURPOSES.split_whitespace().find(|entry| entry.split(':').next() == Some(term));
    entry.and_then(|entry| entry.split_once(':')).into_iter().flat_map(|(_, parents)| parents.split('+'))
}

/// Whether a term is another one or lies somewhere below it.
pub(super) fn is_within(term: &str, ancestor: &str) -> bool {
    term == ancestor || parents(term).any(|parent| is_within(parent, ancestor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_sorted() {
        let terms: Vec<&str> = purposes().collect();
        assert_eq!(terms.len(), 133);
        assert!(terms.is_sorted());
        assert!(terms.contains(&"Marketing") && !terms.contains(&"Purpose"));
        for term in &terms {
            assert!(parents(term).all(|parent| terms.contains(&parent)), "{term}");
        }
    }

    #[test]
    fn terms_lie_below_each_other() {
        assert!(is_within("RecruitmentTargetedAdvertising", "Marketing"));
        assert!(is_within("PersonalisedAdvertising", "Personalisation"));
        assert!(is_within("Marketing", "Marketing") && !is_within("Marketing", "DirectMarketing"));
        assert!(!is_within("ServicePersonalisation", "Marketing") && !is_within("NoSuchTerm", "Marketing"));
    }
}
