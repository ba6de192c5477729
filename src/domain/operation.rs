//! What can be asked for: the standard's 40 processing types, its five services, and three additions of ours.

use super::taxonomy::{Word, WordSet};

taxonomy! {
    /// An operation on an item of AIH Data. Codes 0–39 are the AIH Data Processing Types in the standard's order,
    /// 48–52 its Process Types (services), 56–58 additions of this Back End.
    Operation as "operation" {
        HealthStateDetection = 0, "HealthStateDetection";
        HealthStateClassification = 1, "HealthStateClassification";
        HealthStateQuantification = 2, "HealthStateQuantification";
        HealthStateCharacterisation = 3, "HealthStateCharacterisation";
        HealthStateMonitoring = 4, "HealthStateMonitoring";
        HealthStatePrediction = 5, "HealthStatePrediction";
        HealthPhenotypeDerivation = 6, "HealthPhenotypeDerivation";
        BehaviouralStateDetection = 7, "BehaviouralStateDetection";
        BehaviouralStateClassification = 8, "BehaviouralStateClassification";
        BehaviouralPatternCharacterisation = 9, "BehaviouralPatternCharacterisation";
        BehaviouralTrendMonitoring = 10, "BehaviouralTrendMonitoring";
        BehaviouralRiskPrediction = 11, "BehaviouralRiskPrediction";
        ClinicalConditionDetection = 12, "ClinicalConditionDetection";
        ClinicalStateClassification = 13, "ClinicalStateClassification";
        ClinicalOutcomeDerivation = 14, "ClinicalOutcomeDerivation";
        ClinicalPhenotypeDerivation = 15, "ClinicalPhenotypeDerivation";
        ClinicalRiskAssessment = 16, "ClinicalRiskAssessment";
        MolecularVariantDetection = 17, "MolecularVariantDetection";
        MolecularProfileQuantification = 18, "MolecularProfileQuantification";
        MolecularSignatureCharacterisation = 19, "MolecularSignatureCharacterisation";
        BiomarkerStateDerivation = 20, "BiomarkerStateDerivation";
        MolecularRiskPrediction = 21, "MolecularRiskPrediction";
        AnatomicalStructureDetection = 22, "AnatomicalStructureDetection";
        PathologicalStateClassification = 23, "PathologicalStateClassification";
        LesionExtentQuantification = 24, "LesionExtentQuantification";
        ImagingPhenotypeCharacterisation = 25, "ImagingPhenotypeCharacterisation";
        DiseaseProgressionMonitoring = 26, "DiseaseProgressionMonitoring";
        ImageDerivedRiskPrediction = 27, "ImageDerivedRiskPrediction";
        NeuralEventDetection = 28, "NeuralEventDetection";
        BrainStateClassification = 29, "BrainStateClassification";
        NeuroActivityQuantification = 30, "NeuroActivityQuantification";
        NeuralPatternCharacterisation = 31, "NeuralPatternCharacterisation";
        NeuroStateMonitoring = 32, "NeuroStateMonitoring";
        NeurologicalRiskPrediction = 33, "NeurologicalRiskPrediction";
        PhysiologicalEventDetection = 34, "PhysiologicalEventDetection";
        PhysiologicalStateClassification = 35, "PhysiologicalStateClassification";
        PhysiologicalParameterQuantification = 36, "PhysiologicalParameterQuantification";
        PhysiologicalProfileCharacterisation = 37, "PhysiologicalProfileCharacterisation";
        PhysiologicalTrendMonitoring = 38, "PhysiologicalTrendMonitoring";
        PhysiologicalRiskPrediction = 39, "PhysiologicalRiskPrediction";
        Store = 48, "Store";
        Auditing = 49, "Auditing";
        DeIdAndAnonym = 50, "DeIDAndAnonym";
        /// Written in a licence it means every processing type.
        AihDataProcessing = 51, "AIHDataProcessing";
        LicenceChange = 52, "LicenceChange";
        /// Reading an item's payload.
        Retrieve = 56, "Retrieve";
        AnomalyAndRiskAlerting = 57, "AnomalyAndRiskAlerting";
        FederatedLearning = 58, "FederatedLearning";
    }
}

/// A set of operations as the contract holds it.
pub type Operations = WordSet<Operation>;

impl Operation {
    /// Whether this is one of the 40 AIH Data Processing Types.
    pub fn is_processing_type(self) -> bool {
        self.code() < 40
    }

    /// Whether this is one of the standard's five services, for which Tokens are given.
    pub fn is_service(self) -> bool {
        (48..=52).contains(&self.code())
    }

    /// The processing types, in the standard's order.
    pub fn processing_types() -> impl Iterator<Item = Operation> {
        Self::ALL.iter().copied().filter(|o| o.is_processing_type())
    }
}

/// What the operations named in a licence allow: `AIHDataProcessing` stands for all processing types.
pub fn licensed(named: impl IntoIterator<Item = Operation>) -> Operations {
    let mut set: Operations = named.into_iter().collect();
    if set.contains(Operation::AihDataProcessing) {
        Operation::processing_types().for_each(|o| set.insert(o));
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_forty_processing_types_and_five_services() {
        assert_eq!(Operation::processing_types().count(), 40);
        assert_eq!(Operation::ALL.iter().filter(|o| o.is_service()).count(), 5);
        assert_eq!(Operation::ALL.len(), 48);
    }

    #[test]
    fn aih_data_processing_stands_for_all_forty() {
        let set = licensed([Operation::AihDataProcessing]);
        assert!(set.contains(Operation::PhysiologicalRiskPrediction));
        assert!(!set.contains(Operation::Retrieve));
        assert_eq!(set.iter().count(), 41);
    }
}
