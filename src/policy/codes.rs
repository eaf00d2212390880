//! Lists of codes that others keep: regions and purposes.
//!
//! INVARIANT: both lists are sorted and in step with the editions named above them.

/// ISO 3166-1 alpha-2, the 249 officially assigned codes.
const REGIONS: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY \
    BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK \
    FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR \
    IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK \
    ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM \
    PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF \
    TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// The purposes of the W3C Data Privacy Vocabulary 2.3 (terms below `dpv:Purpose`; W3C Software and Document licence).
const DPV_PURPOSES: &str = "\
    AcademicResearch AccountManagement Advertising AgeVerification CombatClimateChange CommercialPurpose \
    CommercialResearch CommunicationForCustomerCare CommunicationManagement CounterMoneyLaundering \
    Counterterrorism CustomerCare CustomerClaimsManagement CustomerManagement CustomerOrderManagement \
    CustomerRelationshipManagement CustomerSolvencyMonitoring DataAltruism DataAvailabilityAssessment \
    DataGovernance DataInteroperabilityAssessment DataInteroperabilityImprovement DataInteroperabilityManagement \
    DataInventoryManagement DataQualityAssessment DataQualityImprovement DataQualityManagement \
    DataSecurityManagement DataSuitabilityAssessment DeliveryOfGoods DirectMarketing DisputeManagement \
    EnforceAccessControl EnforceSecurity EstablishContractualAgreement FraudPreventionAndDetection \
    FulfilmentOfContractualObligation FulfilmentOfObligation HumanResourceManagement IdentityAuthentication \
    IdentityVerification ImproveExistingProductsAndServices ImproveHealthcare ImproveInternalCRMProcesses \
    ImprovePublicServices ImproveTransportMobility IncreaseServiceRobustness InternalResourceOptimisation \
    LegalCompliance MaintainFraudDatabase Marketing MemberPartnerManagement MetadataManagement \
    MisusePreventionAndDetection NonCommercialPurpose NonCommercialResearch OptimisationForConsumer \
    OptimisationForController OptimiseUserInterface OrganisationComplianceManagement OrganisationGovernance \
    OrganisationRiskManagement PaymentManagement Personalisation PersonalisedAdvertising PersonalisedBenefits \
    PersonnelBehaviourMonitoring PersonnelHiring PersonnelManagement PersonnelMonitoring PersonnelOffboarding \
    PersonnelOnboarding PersonnelPayment PersonnelPerformanceEvaluation PersonnelPerformanceManagement \
    PersonnelPerformanceMonitoring PersonnelPerformancePrediction PersonnelPromotionManagement \
    PersonnelTerminationManagement PersonnelWorkloadManagement PoliticalCampaign ProtectionOfIPR \
    ProtectionOfNationalSecurity ProtectionOfPublicSecurity ProvideEventRecommendations \
    ProvideOfficialStatistics ProvidePersonalisedRecommendations ProvideProductRecommendations PublicBenefit \
    PublicPolicyMaking PublicRelations RecordManagement RecruitmentAdvertising \
    RecruitmentApplicantBackgroundCheck RecruitmentApplicantCriminalBackgroundCheck \
    RecruitmentApplicantInformationAuthentication RecruitmentApplicantSelection RecruitmentApplicationAnalysis \
    RecruitmentApplicationManagement RecruitmentApplicationScreening RecruitmentInterviewAnalysis \
    RecruitmentInterviewAssessment RecruitmentInterviewManagement RecruitmentInterviewScheduling \
    RecruitmentManagement RecruitmentTargetedAdvertising RepairImpairments RequestedServiceProvision \
    ResearchAndDevelopment RightsFulfilment ScientificResearch SearchFunctionalities SellDataToThirdParties \
    SellInsightsFromData SellProducts SellProductsToDataSubject ServiceAccessDetermination ServiceManagement \
    ServiceMonitoring ServiceOptimisation ServicePersonalisation ServiceProvision ServiceRegistration \
    ServiceUsageAnalytics SocialMediaMarketing TargetedAdvertising TechnicalServiceProvision \
    UserInterfacePersonalisation VendorManagement VendorPayment VendorRecordsManagement \
    VendorSelectionAssessment Verification";

/// Whether this is a region, in capitals.
pub(super) fn is_region(code: &str) -> bool {
    REGIONS.split_whitespace().any(|region| region == code)
}

/// The terms below `dpv:Purpose`, without the prefix.
pub(super) fn dpv_purposes() -> impl Iterator<Item = &'static str> {
    DPV_PURPOSES.split_whitespace()
}

#[cfg(test)]
mod tests {
    use super::{DPV_PURPOSES, REGIONS, dpv_purposes, is_region};

    #[test]
    fn lists_are_whole_and_sorted() {
        for (list, count) in [(REGIONS, 249), (DPV_PURPOSES, 133)] {
            let codes: Vec<&str> = list.split_whitespace().collect();
            assert_eq!(codes.len(), count);
            assert!(codes.is_sorted());
        }
    }

    #[test]
    fn codes_are_found_as_they_are_written() {
        assert!(is_region("DE") && is_region("GB"));
        assert!(!is_region("UK") && !is_region("de") && !is_region(""));
        assert!(dpv_purposes().any(|term| term == "Marketing"));
        assert!(!dpv_purposes().any(|term| term == "Purpose"));
    }
}
